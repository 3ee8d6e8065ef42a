import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import type { GoldenLine } from '../../test/golden/line.ts'
import type { TimedEvent } from '../journal/event.ts'
import { noticesOf } from './of-journal.ts'

const root = join(import.meta.dirname, '../../test/golden')

function eventsIn(file: string): TimedEvent[] {
  return readFileSync(join(root, file), 'utf8').trim().split('\n').map((line) => {
    const { seq: _, ...event } = JSON.parse((JSON.parse(line) as GoldenLine).bytes) as { seq: number }
    return event as unknown as TimedEvent
  })
}

/** What people would have been told of each, had there been anybody to tell. */
const TOLD: Readonly<Record<string, readonly string[]>> = {
  'v0.1/aborted': ['rotation-opened', 'rotation-turned', 'rotation-rolled-back'],
  'v0.1/crashed-and-taken-over': ['rotation-opened', 'rotation-done'],
  'v0.1/done-alternate': ['rotation-opened', 'rotation-done'],
  'v0.1/done-in-place': ['rotation-opened', 'rotation-done'],
  'v0.1/paused': ['rotation-opened', 'rotation-paused', 'rotation-resumed', 'rotation-paused', 'rotation-resumed', 'task-asked', 'rotation-resumed', 'rotation-done'],
  'v0.1/refused': ['rotation-opened', 'rotation-refused'],
  'v0.1/rolled-back-alternate': ['rotation-opened', 'rotation-turned', 'rotation-rolled-back'],
  'v0.1/rolled-back-in-place': ['rotation-opened', 'rotation-turned', 'rotation-rolled-back'],
  'v0.1/undone': ['rotation-opened', 'rotation-turned', 'rotation-rolled-back'],
}

it.each(globSync('*/*.jsonl', { cwd: root }).toSorted())('the journal %s of an older version is told as well, with ids of its own', (file) => {
  const events = eventsIn(file)
  const notices = noticesOf(basename(file, '.jsonl'), events)
  const wanted = TOLD[file.replace('.jsonl', '')]
  if (wanted !== undefined) expect(notices.map(({ kind }) => kind)).toEqual(wanted)
  expect(notices[0]?.kind).toMatch(/^(rotation|emergency)-opened$/)
  expect(new Set(notices.map(({ id }) => id)).size).toBe(notices.length)
  for (const { title } of notices) expect(title).not.toMatch(/undefined|\[object/)
})
