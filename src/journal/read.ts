import { KeyturnError } from '../kit/index.ts'
import { type StoredEntry, verifyChain } from '../state/journal.ts'
import type { State } from '../state/open.ts'
import { readWhole } from '../state/rotation.ts'
import type { TimedEvent } from './event.ts'

/** Turns a stored line into an event. */
export function toEvent(entry: StoredEntry): TimedEvent {
  return { type: entry.type, at: entry.at, ...entry.body } as TimedEvent
}

/** Reads and verifies the journal of a rotation. Throws JOURNAL_BROKEN when it was changed from outside. */
export async function readEvents(at: { readonly state: Pick<State, 'db'> }, rotation: string): Promise<{ readonly events: TimedEvent[]; readonly head: { readonly seq: number; readonly hash: string }; readonly dueAt: number | null }> {
  const { row, entries: stored } = await readWhole(at.state.db, rotation)
  const head = { seq: row.seq, hash: row.head }
  const broken = verifyChain(stored, head, row.id)
  if (broken !== undefined) throw new KeyturnError('JOURNAL_BROKEN', `${row.id}: ${broken}`)
  return { events: stored.map(toEvent), head, dueAt: row.due_at }
}
