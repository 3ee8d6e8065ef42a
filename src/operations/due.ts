import type { Kysely } from 'kysely'
import { durationOf } from '../kit/duration.ts'
import type { Ms } from '../kit/index.ts'
import type { Lifecycle, Manifest, SecretSpec } from '../manifest/model.ts'
import { listRotations } from '../state/rotation.ts'
import type { Tables } from '../state/schema.ts'

/**
 * How a secret stands to its `every`, from what wants somebody most to what wants nobody:
 * - `overdue`: its time is over.
 * - `unrotated`: it has an `every`, and this state has never seen a rotation of it that was done.
 * - `unknown`: it has an `every`, and there is no state yet.
 * - `due`: its time is over soon, within what was asked for.
 * - `fine`: later than that.
 * - `manual`: it has no `every`; it is rotated when somebody asks for it, and is never overdue.
 * - `never`: its `every` is `never`.
 * - `inactive`: its lifecycle is not `active`: nothing rotates it.
 */
export type DueState = 'overdue' | 'unrotated' | 'unknown' | 'due' | 'fine' | 'manual' | 'never' | 'inactive'

/** One secret and its time. */
export interface Due {
  readonly secret: string
  readonly state: DueState
  readonly lifecycle: Lifecycle
  readonly owner?: string
  /** As the manifest has it. */
  readonly every?: string
  /** When the last rotation that was done was opened, unix ms: the value in use is as old as that. */
  readonly since?: number
  /** That rotation. */
  readonly rotation?: string
  /** Unix ms; absent when there is no such time. */
  readonly at?: number
  /** The rotation of it that is open now. */
  readonly open?: string
}

/** What a state says of one secret. */
export interface Rotated {
  /** The newest rotation that was done. */
  readonly last?: { readonly rotation: string; readonly openedAt: number }
  readonly open?: string
}

/**
 * When a value that is in use since `since` has to be replaced, unix ms; undefined for `never`. A duration counts 24 hours a day;
 * `quarterly` and `annually` go by the calendar in UTC: three or twelve months later on the same day at the same time, or on the
 * last day of that month when it is shorter. Pure. Throws a RangeError for what a manifest does not let through.
 */
export function dueAfter(every: string, since: number): number | undefined {
  switch (every) {
    case 'never':
      return undefined
    case 'quarterly':
      return monthsLater(since, 3)
    case 'annually':
      return monthsLater(since, 12)
    default:
      return since + durationOf(every)
  }
}

function monthsLater(at: number, months: number): number {
  const then = new Date(at)
  const day = then.getUTCDate()
  // From the first on, so that a day that the month does not have cannot spill into the next one.
  then.setUTCDate(1)
  then.setUTCMonth(then.getUTCMonth() + months)
  const lastDay = new Date(Date.UTC(then.getUTCFullYear(), then.getUTCMonth() + 1, 0)).getUTCDate()
  then.setUTCDate(Math.min(day, lastDay))
  return then.getTime()
}

/** How one secret stands at `now`. `rotated` is undefined when there is no state. Pure. */
export function dueOf(secret: SecretSpec, rotated: Rotated | undefined, now: number, within: Ms): Due {
  const { last, open } = rotated ?? {}
  const at = secret.every === undefined || last === undefined ? undefined : dueAfter(secret.every, last.openedAt)
  return {
    secret: secret.name,
    state: stateOf(secret, rotated, at, now, within),
    lifecycle: secret.lifecycle,
    ...(secret.owner === undefined ? {} : { owner: secret.owner }),
    ...(secret.every === undefined ? {} : { every: secret.every }),
    ...(last === undefined ? {} : { since: last.openedAt, rotation: last.rotation }),
    ...(at === undefined ? {} : { at }),
    ...(open === undefined ? {} : { open }),
  }
}

function stateOf(secret: SecretSpec, rotated: Rotated | undefined, at: number | undefined, now: number, within: Ms): DueState {
  if (secret.lifecycle !== 'active') return 'inactive'
  if (secret.every === undefined) return 'manual'
  if (secret.every === 'never') return 'never'
  if (rotated === undefined) return 'unknown'
  if (at === undefined) return 'unrotated'
  if (at <= now) return 'overdue'
  return at <= now + within ? 'due' : 'fine'
}

const ORDER: readonly DueState[] = ['overdue', 'unrotated', 'unknown', 'due', 'fine', 'manual', 'never', 'inactive']

/** Every secret of a manifest, the most pressing first. `db` is undefined when there is no state. Changes nothing. */
export async function listDue(manifest: Manifest, db: Kysely<Tables> | undefined, now: number, within: Ms): Promise<Due[]> {
  const rotated = db === undefined ? undefined : await readRotated(manifest, db)
  return Object.values(manifest.secrets)
    .map((secret) => dueOf(secret, rotated === undefined ? undefined : (rotated.get(secret.name) ?? {}), now, within))
    .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (a.at ?? 0) - (b.at ?? 0) || a.secret.localeCompare(b.secret))
}

async function readRotated(manifest: Manifest, db: Kysely<Tables>): Promise<ReadonlyMap<string, Rotated>> {
  const rows = await listRotations(db, { system: manifest.system, environment: manifest.environment })
  const rotated = new Map<string, Rotated>()
  // Newest first: the first one that was done is the last one.
  for (const { id, secret, result, opened_at: openedAt } of rows) {
    const known = rotated.get(secret) ?? {}
    if (result === null) rotated.set(secret, { ...known, open: id })
    else if (result === 'done' && known.last === undefined) rotated.set(secret, { ...known, last: { rotation: id, openedAt } })
  }
  return rotated
}

/** Whether the policy of the secret is broken, or cannot be shown to hold. */
export function isOverdue(due: Due): boolean {
  return due.state === 'overdue' || due.state === 'unrotated' || due.state === 'unknown'
}
