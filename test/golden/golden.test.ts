import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decide } from '../../src/engine/decide.ts'
import type { TimedEvent } from '../../src/journal/event.ts'
import { brokenInvariants } from '../../src/journal/invariants.ts'
import { foldProgress } from '../../src/journal/progress.ts'
import { chain, GENESIS, type StoredEntry, verifyChain } from '../../src/state/journal.ts'
import { decision, type GoldenLine, LATER_MS } from './line.ts'

const here = new URL('.', import.meta.url)
const releases = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name)
const journals = releases.flatMap((release) => readdirSync(new URL(`${release}/`, here)).map((file) => `${release}/${file}`))

const ENDS: Readonly<Record<string, string>> = {
  aborted: 'rolled-back', 'crashed-and-taken-over': 'done', 'done-alternate': 'done', 'done-in-place': 'done',
  'held-gate': 'done', paused: 'done',
  refused: 'refused', 'rolled-back-alternate': 'rolled-back', 'rolled-back-in-place': 'rolled-back', undone: 'rolled-back',
}

function read(journal: string): {
  readonly lines: readonly GoldenLine[]; readonly stored: readonly StoredEntry[]; readonly events: readonly TimedEvent[]
} {
  const lines = readFileSync(new URL(journal, here), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as GoldenLine)
  const stored = lines.map(({ bytes, hash }): StoredEntry => {
    const { seq, type, at, ...body } = JSON.parse(bytes) as { seq: number; type: string; at: number } & Record<string, unknown>
    return { seq, type, at, body, bytes, hash }
  })
  return { lines, stored, events: stored.map(({ type, at, body }) => ({ type, at, ...body }) as TimedEvent) }
}

describe('golden journals', () => {
  it('are there: every shape of a first release', () => {
    expect(
      journals.filter((journal) => journal.startsWith('v0.1/')).map((journal) => journal.slice(5, -6))
    ).toEqual(Object.keys(ENDS))
  })

  describe.each(journals)('%s', (journal) => {
    const { lines, stored, events } = read(journal)
    const head = { seq: lines.length, hash: lines.at(-1)?.hash ?? '' }

    it('verifies, and not with one entry changed', () => {
      expect(verifyChain(stored, head)).toBeUndefined()
      expect(lines.reduce((hash, line) => chain(hash, line.bytes), GENESIS)).toBe(head.hash)
      const changed = stored.map((entry, index) => (index === 1 ? { ...entry, at: entry.at + 1 } : entry))
      expect(verifyChain(changed, head)).toMatch(/entry 2/)
    })

    it('breaks no invariant and ends as it did', () => {
      expect(brokenInvariants(events)).toEqual([])
      const name = journal.split('/')[1]?.replace('.jsonl', '') ?? ''
      expect(foldProgress(events).closed?.result).toBe(ENDS[name])
      expect(decide(events, Date.now())).toEqual({ do: 'finished' })
    })

    it('is decided on as it was, at every prefix', () => {
      const decided = events.map((event, index) => {
        const prefix = events.slice(0, index + 1)
        return [decision(decide(prefix, event.at), event.at), decision(decide(prefix, event.at + LATER_MS), event.at)]
      })
      expect(decided).toEqual(lines.map((line) => [line.next, line.later]))
    })
  })
})
