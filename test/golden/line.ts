import { decide, type Next } from '../../src/engine/decide.ts'
import type { TimedEvent } from '../../src/journal/event.ts'
import { chain, GENESIS, storedBytes } from '../../src/state/journal.ts'

/** One line of a golden journal: an entry as it is stored, and what is decided on the journal up to it. */
export interface GoldenLine {
  /** The stored bytes, which the chain covers. */
  readonly bytes: string
  readonly hash: string
  /** The decision at the time of the entry. */
  readonly next: string
  /** The decision an hour later. */
  readonly later: string
}

export const LATER_MS = 3_600_000

/** A decision in one line: what, which step, when, how it ends. Times count from the entry on which it was decided. */
export function decision(next: Next, at: number): string {
  const parts: string[] = [next.do]
  if ('step' in next) parts.push(next.step.id)
  if ('attempt' in next) parts.push(`attempt ${next.attempt}`)
  if ('until' in next) parts.push(`until ${next.until - at}`)
  if ('notLateAfter' in next) parts.push(`not late after ${next.notLateAfter - at}`)
  if ('why' in next) parts.push(next.why)
  if ('result' in next) parts.push(next.result)
  if ('code' in next && next.code !== undefined) parts.push(next.code)
  return parts.join(' ')
}

/** The lines of a journal. */
export function goldenLines(events: readonly TimedEvent[]): GoldenLine[] {
  let hash = GENESIS
  return events.map((event, index) => {
    const { type, at, ...body } = event
    const bytes = storedBytes(index + 1, { type, at, body })
    hash = chain(hash, bytes)
    const prefix = events.slice(0, index + 1)
    return { bytes, hash, next: decision(decide(prefix, at), at), later: decision(decide(prefix, at + LATER_MS), at) }
  })
}
