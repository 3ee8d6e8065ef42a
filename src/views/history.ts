import type { StoredEntry } from '../state/journal.ts'
import type { RotationRow } from '../state/rotation.ts'
import { moment } from './duration.ts'
import type { Paint } from './paint.ts'

/** One rotation, as `history --json` gives it. */
export interface RotationHistory {
  readonly rotation: string
  readonly secret: string
  readonly opened: string
  /** Absent while it is open. */
  readonly closed?: string
  readonly result?: string
  readonly waitsFor?: string
  readonly entries: number
}

/** A row of the index. */
export function historyOf(row: RotationRow): RotationHistory {
  return {
    rotation: row.id,
    secret: row.secret,
    opened: moment(row.opened_at),
    ...(row.closed_at === null ? {} : { closed: moment(row.closed_at) }),
    ...(row.result === null ? {} : { result: row.result }),
    ...(row.waits_for === null ? {} : { waitsFor: row.waits_for }),
    entries: row.seq,
  }
}

/** What somebody did beside rotations, as `history --json` gives it. */
export interface NoteHistory {
  readonly note: number
  readonly at: string
  readonly type: string
  /** Absent in one that is about the whole state. */
  readonly secret?: string
  /** Its id and its fingerprint. */
  readonly credential?: string
  readonly by: string
  readonly reason?: string
}

/** A note as a person reads it. */
export function noteOf({ seq, at, type, body }: StoredEntry): NoteHistory {
  const { secret, credential, fingerprint, by, reason } = body
  return {
    note: seq, at: moment(at), type, by: String(by ?? ''),
    ...(secret === undefined ? {} : { secret: String(secret) }),
    ...(credential === undefined ? {} : { credential: `${String(credential)} ${String(fingerprint ?? '')}`.trim() }),
    ...(reason === undefined ? {} : { reason: String(reason) }),
  }
}

/** Rotations and notes, newest first. */
export function historyLines(rotations: readonly RotationHistory[], notes: readonly NoteHistory[], paint: Paint): string[] {
  if (rotations.length + notes.length === 0) return ['No rotation yet.']
  const colour = (result: string | undefined): string => (result === undefined ? paint.warn('open') : result === 'done' ? paint.good(result) : paint.bad(result))
  const lines = [
    ...rotations.map((each) => `${each.opened}  ${each.rotation}  ${colour(each.result)}${each.waitsFor === undefined ? '' : `  waits for ${each.waitsFor}`}`),
    ...notes.map(({ at, secret, type, credential, by, reason }) => `${at}  ${secret ?? 'all'}  ${type}${credential === undefined ? '' : ` ${credential}`} by ${by}${reason === undefined ? '' : `: ${reason}`}`),
  ]
  // Each begins with its time.
  const timeOf = (line: string): string => line.slice(0, 20)
  return lines.sort((a, b) => timeOf(b).localeCompare(timeOf(a)))
}
