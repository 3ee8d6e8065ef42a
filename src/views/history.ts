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

/** Newest first. */
export function historyLines(rotations: readonly RotationHistory[], paint: Paint): string[] {
  if (rotations.length === 0) return ['No rotation yet.']
  const colour = (result: string | undefined): string => (result === undefined ? paint.warn('open') : result === 'done' ? paint.good(result) : paint.bad(result))
  return rotations.map((each) => `${each.opened}  ${each.rotation}  ${colour(each.result)}${each.waitsFor === undefined ? '' : `  waits for ${each.waitsFor}`}`)
}
