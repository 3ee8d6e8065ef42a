import type { SnapshotNote, SnapshotSide } from '../operations/snapshot-sides.ts'
import type { KeptValue } from '../operations/snapshots.ts'
import { duration, moment } from './duration.ts'
import type { Paint } from './paint.ts'

/** One snapshot, as `snapshot list --json` gives it: times are ISO 8601. */
export interface SnapshotDocument extends Pick<KeptValue, 'rotation' | 'secret' | 'result'> {
  readonly opened: string
  /** When it is wiped; absent while its rotation is open. */
  readonly until?: string
}

/** The same with times for scripts. */
export function snapshotDocument({ rotation, secret, result, openedAt, until }: KeptValue): SnapshotDocument {
  return { rotation, secret, opened: moment(openedAt), ...(result === undefined ? {} : { result }), ...(until === undefined ? {} : { until: moment(until) }) }
}

/** One line a snapshot. */
export function snapshotLines(list: readonly KeptValue[], now: number, paint: Paint): string[] {
  if (list.length === 0) return ['No snapshot is held.']
  const wide = Math.max(...list.map(({ rotation }) => rotation.length))
  return list.map(({ rotation, result, until }) => `${rotation.padEnd(wide)}  ${(result ?? 'open').padEnd(11)}  ${untilText(until, now, paint)}`)
}

function untilText(until: number | undefined, now: number, paint: Paint): string {
  if (until === undefined) return 'kept while it is open, and after it'
  return until > now ? `kept until ${moment(until)} (${duration(until - now)})` : paint.warn(`to be wiped since ${moment(until)}: keyturn run does`)
}

/** What one holds: stores, keys, fingerprints. */
export function snapshotFacts(rotation: string, note: SnapshotNote, kept: KeptValue | undefined, now: number, paint: Paint): string[] {
  const side = (name: string, { credential, fingerprint, state }: SnapshotSide): string => `  ${paint.dim(name.padEnd(8))}${credential} ${fingerprint}  ${state ?? 'not in the ledger'}`
  return [
    `${paint.strong(rotation)}  taken ${moment(note.at)}; ${kept === undefined ? paint.warn('it was wiped') : untilText(kept.until, now, paint)}`,
    side('before', note.before),
    side('after', note.after),
    ...note.stores.map(({ title, keys }) => `  ${paint.dim('store'.padEnd(8))}${title}: ${keys.join(', ')}`),
  ]
}

/** Of all that is held, for `due`: how much, and until when; nothing when nothing is. */
export function heldLines(list: readonly KeptValue[], now: number, paint: Paint): string[] {
  const ends = list.flatMap(({ until }) => until ?? [])
  if (list.length === 0) return []
  const late = ends.filter((until) => until <= now).length
  const last = ends.length === 0 ? '' : `, the last one until ${moment(Math.max(...ends)).slice(0, 10)}`
  return [paint.dim(`${list.length} ${list.length === 1 ? 'snapshot is' : 'snapshots are'} held${last}`) + (late === 0 ? '' : paint.warn(`; ${late} to be wiped: keyturn run does`))]
}
