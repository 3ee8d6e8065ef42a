import type { Kysely } from 'kysely'
import type { Ms } from '../kit/index.ts'
import type { Lifecycle, Manifest, SecretSpec } from '../manifest/model.ts'
import { agendaOf, aheadOf, type Past } from '../schedule/agenda.ts'
import { expiryOf, ownCauses } from '../schedule/cause.ts'
import { type Zone, zoneOf } from '../schedule/zone.ts'
import type { Tables } from '../state/schema.ts'
import { readPast } from './past.ts'

/**
 * How a secret stands to its `every`, from what wants somebody most to what wants nobody:
 * - `stuck`: a rotation of it is open and goes no further by itself.
 * - `compromised`: somebody said so of the credential in use: `keyturn emergency` ends it at once.
 * - `overdue`: its time is over.
 * - `unrotated`: it has an `every`, and this state has never seen a rotation of it that was done.
 * - `unknown`: it has an `every`, and there is no state yet.
 * - `due`: its time is over soon, within what was asked for.
 * - `fine`: later than that.
 * - `manual`: it has no `every`, and nothing else makes it due now; it is rotated when somebody asks for it.
 * - `never`: its `every` is `never`.
 * - `inactive`: its lifecycle is not `active`: nothing rotates it.
 */
export type DueState = 'stuck' | 'compromised' | 'overdue' | 'unrotated' | 'unknown' | 'due' | 'fine' | 'manual' | 'never' | 'inactive'

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
  /** What makes it due then: `every 90d`, `expiry`, `provider-change`, `compromise`. */
  readonly cause?: string
  /** When the credential in use expires, unix ms; absent when nobody says it. */
  readonly expires?: number
  /** Since when it counts as compromised, unix ms. */
  readonly compromised?: number
  /** The rotation of it that is open now. */
  readonly open?: string
  /** Why that goes no further by itself. */
  readonly stuck?: string
  /** The secrets that it follows and that were rotated since it was; absent when there are none. */
  readonly behind?: readonly string[]
  /** When the schedule begins the next one, unix ms; absent without a schedule, or while something else stands in its way. */
  readonly begins?: number
  /** Why it does not begin when it is due: a window, a freeze, another rotation. */
  readonly because?: string
}

/** How one secret stands at `now`. `past` is undefined when there is no state. Pure. */
export function dueOf(secret: SecretSpec, past: Past | undefined, now: number, within: Ms, zone: Zone = zoneOf('UTC')): Due {
  const { last, open, stuck, marked } = past ?? {}
  const [first] = past === undefined ? [] : ownCauses(secret, past, zone)
  const at = first?.due
  const expires = past === undefined ? undefined : expiryOf(secret, past)?.at
  return {
    secret: secret.name,
    state: stateOf(secret, past, at, now, within),
    lifecycle: secret.lifecycle,
    ...(secret.owner === undefined ? {} : { owner: secret.owner }),
    ...(secret.every === undefined ? {} : { every: secret.every }),
    ...(last === undefined ? {} : { since: last.openedAt, rotation: last.rotation }),
    ...(first === undefined ? {} : { at: first.due, cause: first.cause }),
    ...(expires === undefined ? {} : { expires }),
    ...(marked?.compromise === undefined ? {} : { compromised: marked.compromise }),
    ...(open === undefined ? {} : { open }),
    ...(stuck === undefined ? {} : { stuck }),
  }
}

function stateOf(secret: SecretSpec, past: Past | undefined, at: number | undefined, now: number, within: Ms): DueState {
  if (past?.stuck !== undefined) return 'stuck'
  if (secret.lifecycle !== 'active') return 'inactive'
  if (past?.marked?.compromise !== undefined) return 'compromised'
  if (at !== undefined && at <= now) return 'overdue'
  if (at !== undefined) return at <= now + within ? 'due' : 'fine'
  if (secret.every === undefined) return 'manual'
  if (secret.every === 'never') return 'never'
  return past === undefined ? 'unknown' : 'unrotated'
}

const ORDER: readonly DueState[] = ['stuck', 'compromised', 'overdue', 'unrotated', 'unknown', 'due', 'fine', 'manual', 'never', 'inactive']

/** Every secret of a manifest, the most pressing first. `db` is undefined when there is no state. Changes nothing. */
export async function listDue(manifest: Manifest, db: Kysely<Tables> | undefined, now: number, within: Ms): Promise<Due[]> {
  const past = db === undefined ? undefined : await readPast(manifest, db, now)
  const { schedule } = manifest
  const secrets = Object.values(manifest.secrets)
  const zone = zoneOf(schedule?.zone ?? 'UTC')
  const begins = new Map(schedule === undefined || past === undefined ? [] : agendaOf(schedule, secrets, past, now).map((entry) => [entry.secret, entry]))
  return secrets
    .map((secret): Due => {
      const { begins: at, because } = begins.get(secret.name) ?? {}
      const behind = past === undefined || secret.lifecycle !== 'active' ? [] : aheadOf(secret, past).map(({ name }) => name)
      return { ...dueOf(secret, past === undefined ? undefined : (past.get(secret.name) ?? {}), now, within, zone), ...(behind.length === 0 ? {} : { behind }), ...(at === undefined ? {} : { begins: at }), ...(because === undefined ? {} : { because }) }
    })
    .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (a.at ?? 0) - (b.at ?? 0) || a.secret.localeCompare(b.secret))
}

/** Whether the policy of the secret is broken, or cannot be shown to hold. */
export function isOverdue(due: Due): boolean {
  return due.state === 'stuck' || due.state === 'compromised' || due.state === 'overdue' || due.state === 'unrotated' || due.state === 'unknown'
}
