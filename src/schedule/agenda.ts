import { hash } from 'node:crypto'
import type { Ms } from '../kit/index.ts'
import type { Lifecycle } from '../manifest/model.ts'
import { type Calendar, calendarOf } from './calendar.ts'
import type { Schedule, SecretSchedule } from '../manifest/schedule.ts'
import { type Cause, ownCauses } from './cause.ts'
import { type Zone, zoneOf } from './zone.ts'

/** What the agenda needs to know of one secret of the manifest. */
export interface Scheduled {
  readonly name: string
  readonly lifecycle: Lifecycle
  readonly every?: string
  readonly on?: readonly string[]
  readonly schedule?: SecretSchedule
  /** How long a credential lives after it was made, and how long before its end it is replaced. */
  readonly expires?: { readonly after?: Ms; readonly margin?: Ms }
  /** Users are told so long before it begins. */
  readonly notice?: { readonly before: Ms }
}

/** What the state says of it; times are unix ms. */
export interface Past {
  /** The newest rotation that was done: the value in use is as old as its opening. `campaign` is with what it was begun, if with others. */
  readonly last?: { readonly rotation: string; readonly openedAt: number; readonly closedAt: number; readonly campaign?: string }
  /** The newest one that ended otherwise, if nothing was done since. */
  readonly failed?: { readonly closedAt: number }
  readonly open?: string
  /** Why the open one goes no further by itself, if it does not. */
  readonly stuck?: string
  /** When the credential in use expires, as far as a person or its provider has said it. */
  readonly expiresAt?: number
  /** When people marked it, since it was last rotated. */
  readonly marked?: { readonly compromise?: number; readonly 'provider-change'?: number }
  /** When it was last rotated in the environment that comes first, if it ever was. */
  readonly first?: { readonly openedAt: number }
  /** The newest time that users were told of, at which it begins. */
  readonly announced?: number
}

/** When one secret is rotated next, as things are now. */
export interface Entry {
  readonly secret: string
  /** What makes it due: `every 90d`, `after nats`. */
  readonly cause: string
  /** When its value has to be replaced. */
  readonly due: number
  /** When it begins: now or later; absent while something other than the time stands in its way. */
  readonly begins?: number
  /** Why not at `due`: a window, a freeze, another rotation. */
  readonly because?: string
}

/**
 * Which rotations begin when, the next one first: those with `begins` at or before `now` begin now. A secret that this state has never
 * seen rotated is not on it: its first rotation is somebody's decision. Pure: the same past and time give the same agenda.
 */
export function agendaOf(schedule: Schedule, secrets: readonly Scheduled[], past: ReadonlyMap<string, Past>, now: number): Entry[] {
  const zone = zoneOf(schedule.zone)
  const common = calendarOf(zone, schedule.windows, schedule.freezes)
  const entries = secrets.flatMap((secret): Entry[] => {
    const known = past.get(secret.name)
    if (secret.lifecycle !== 'active' || known?.last === undefined || known.open !== undefined) return []
    const cause = causeOf(secret, { ...known, last: known.last }, past, zone)
    if (cause === undefined) return []
    const windows = secret.schedule?.windows
    const calendar = windows === undefined ? common : calendarOf(zone, windows, schedule.freezes)
    const { lead, ...named } = cause
    const wanted = Math.max(cause.due - lead * jitterOf(secret.name, cause.due, schedule.jitter), (known.failed?.closedAt ?? Number.NEGATIVE_INFINITY) + schedule.retry)
    return [{ secret: secret.name, ...named, ...beginOf(wanted, calendar, [...notBefore(apartFrom(secret, secrets), schedule, known, past), ...untilTold(secret, known, now)], now) }]
  })
  const sorted = entries.toSorted((a, b) => (a.begins ?? Infinity) - (b.begins ?? Infinity) || a.due - b.due || a.secret.localeCompare(b.secret))
  return inTurn(sorted, schedule, secrets, past, now)
}

/** The secrets that this one follows and that were rotated since it was, with when; none where it was never rotated. */
export function aheadOf({ name: own, on = [] }: Pick<Scheduled, 'name' | 'on'>, past: ReadonlyMap<string, Past>): { readonly name: string; readonly at: number }[] {
  const last = past.get(own)?.last
  return on.flatMap((name) => {
    const other = past.get(name)?.last
    // Of one campaign it was rotated after the other one, though that was closed later.
    const asOne = other?.campaign !== undefined && other.campaign === last?.campaign
    return last === undefined || other === undefined || asOne || other.closedAt <= last.openedAt ? [] : [{ name, at: other.closedAt }]
  })
}

/** The earliest of what makes it due. */
function causeOf(secret: Scheduled, known: Past & Required<Pick<Past, 'last'>>, past: ReadonlyMap<string, Past>, zone: Zone): Cause | undefined {
  const after = aheadOf(secret, past).map(({ name, at }): Cause => ({ cause: `after ${name}`, due: at, lead: -1 }))
  return [...ownCauses(secret, known, zone), ...after].toSorted((a, b) => a.due - b.due)[0]
}

interface Obstacle {
  /** From when on it is none any more; absent while that is not known. */
  readonly until?: number
  readonly why: string
}

/** The others of its pairs, whoever of them says so, and how long it keeps away from each. */
function apartFrom(secret: Scheduled, secrets: readonly Scheduled[]): ReadonlyMap<string, Ms> {
  const apart = new Map<string, Ms>()
  const add = (name: string, by: Ms): void => void apart.set(name, Math.max(by, apart.get(name) ?? 0))
  for (const name of secret.schedule?.apart?.from ?? []) add(name, secret.schedule?.apart?.by ?? 0)
  for (const { name, schedule } of secrets) if (schedule?.apart?.from.includes(secret.name) === true) add(name, schedule.apart.by)
  return apart
}

/** What else stands in its way: one of the pair, the environment that comes first. */
function notBefore(apart: ReadonlyMap<string, Ms>, { after }: Schedule, known: Past, past: ReadonlyMap<string, Past>): readonly Obstacle[] {
  const others = [...apart].flatMap(([name, by]): Obstacle[] => {
    const other = past.get(name)
    if (other?.open !== undefined) return [{ why: `${name} is being rotated` }]
    const closed = Math.max(other?.last?.closedAt ?? 0, other?.failed?.closedAt ?? 0)
    return closed === 0 ? [] : [{ until: closed + by, why: `${name} was rotated` }]
  })
  const green = after === undefined || (known.first?.openedAt ?? 0) > (known.last?.openedAt ?? 0)
  return green ? others : [...others, { why: `it was not rotated in ${after} since` }]
}

/** Users are told ahead: until the time that they know, and where they know none yet so long from now on. A time before the last rotation is over. */
function untilTold({ notice }: Scheduled, { announced, last, failed }: Past, now: number): readonly Obstacle[] {
  if (notice === undefined) return []
  const known = announced !== undefined && announced > Math.max(last?.openedAt ?? 0, failed?.closedAt ?? 0)
  return [{ until: known ? announced : now + notice.before, why: 'users are told ahead' }]
}

function beginOf(wanted: number, calendar: Calendar, obstacles: readonly Obstacle[], now: number): Pick<Entry, 'begins' | 'because'> {
  const stuck = obstacles.find(({ until }) => until === undefined)
  if (stuck !== undefined) return { because: stuck.why }
  const last = obstacles.toSorted((a, b) => (b.until ?? 0) - (a.until ?? 0))[0]
  const free = Math.max(wanted, last?.until ?? wanted)
  const begins = calendar.nextOpen(Math.max(free, now))
  if (begins === undefined) return { because: 'no window ever opens' }
  const because = begins <= Math.max(wanted, now) ? undefined : begins > Math.max(free, now) ? calendar.whyClosed(Math.max(free, now)) : last?.why
  return { begins, ...(because === undefined ? {} : { because }) }
}

/** Of those that would begin now, whoever comes first keeps the others waiting that may not be open beside it. */
function inTurn(sorted: readonly Entry[], { serial }: Schedule, secrets: readonly Scheduled[], past: ReadonlyMap<string, Past>, now: number): Entry[] {
  const open = [...past].find(([, each]) => each.open !== undefined)?.[0]
  const begun: string[] = []
  return sorted.map((entry) => {
    if (entry.begins === undefined || entry.begins > now) return entry
    const own = secrets.find(({ name }) => name === entry.secret)
    const other = serial ? (open ?? begun[0]) : begun.find((name) => own !== undefined && apartFrom(own, secrets).has(name))
    if (other === undefined) {
      begun.push(entry.secret)
      return entry
    }
    const { begins: _, ...waiting } = entry
    return { ...waiting, because: `${other} is being rotated` }
  })
}

/** Always the same for one secret and one due time, so that looking twice does not begin it twice; spread evenly below `most`. */
function jitterOf(secret: string, due: number, most: Ms): Ms {
  return Math.floor((parseInt(hash('sha256', `${secret} ${due}`).slice(0, 12), 16) / 2 ** 48) * most)
}
