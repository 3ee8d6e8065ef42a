import { CODES, type Code, type Ms, type Notice } from '../kit/index.ts'
import { timeOf } from './of-journal.ts'
import { failureText, oneLine } from './words.ts'

const DAY: Ms = 86_400_000

/** Whose secrets these are. */
export interface Whose {
  readonly system: string
  readonly environment: string
}

/** How a secret stands to its time, as far as somebody is told of it. */
export interface Standing {
  readonly secret: string
  readonly owner?: string
  readonly state: string
  /** When it is due, unix ms. */
  readonly at?: number
  /** When it begins by itself; absent when it does not. */
  readonly begins?: number
  /** Why it does not begin though it is due. */
  readonly because?: string
  /** When the credential in use expires, and since when it counts as compromised. */
  readonly expires?: number
  readonly compromised?: number
  /** The open rotation, and since when nobody goes on with it. */
  readonly open?: string
  readonly left?: number
}

/** So long ahead people are told of what does not begin by itself. */
export const SOON_MS: Ms = 7 * DAY

/**
 * What people are told because of the time: due, overdue, expiring, compromised, left alone. Pure; the ids are the same until it is time to tell again, whenever
 * it is looked.
 */
export function noticesOfTime(standing: readonly Standing[], whose: Whose, now: number): Notice[] {
  return standing.flatMap((each) => [...dueNotices(each, whose, now), ...endNotices(each, whose, now)])
}

function dueNotices({ secret, owner, state, at, begins, because, open, left }: Standing, whose: Whose, now: number): Notice[] {
  const common = { facts: at === undefined ? {} : { due: timeOf(at) }, ...namesOf(whose), secret, ...(owner === undefined ? {} : { owner }), at: now }
  const id = idOf(whose, secret)
  if (open !== undefined && left !== undefined) {
    return [{
      ...common, facts: { since: timeOf(left) }, id: `${open}.left.${left}.${daysSince(left, now)}`, kind: 'rotation-left', severity: 'warning', trouble: 'begun', rotation: open,
      title: `nobody goes on with the rotation of ${secret}`, advice: { actions: [CODES.ROTATION_STUCK.hint], contacts: [] },
    }]
  }
  if (at === undefined) return []
  if (state === 'overdue') {
    const why = because === undefined ? '' : `: ${oneLine(because)}`
    return [{
      ...common, id: `${id}.overdue.${at}.${Math.floor((now - at) / (7 * DAY))}`, kind: 'secret-overdue', severity: 'warning', trouble: 'begun',
      title: `${secret} is overdue${why}`, advice: { actions: [CODES.ROTATION_DUE.hint], contacts: [] },
    }]
  }
  if (state !== 'due' || begins !== undefined) return []
  return [{ ...common, id: `${id}.due.${at}`, kind: 'secret-due', severity: 'info', title: `${secret} is due on ${timeOf(at).slice(0, 10)}`, advice: { actions: [CODES.ROTATION_DUE.hint], contacts: [] } }]
}

/** So many days before its end people are told of a credential that nothing replaces by itself before. */
const DAYS_BEFORE = [30, 14, 7, 3, 1] as const

/** Of the end that a credential has, or should have. */
function endNotices({ secret, owner, begins, expires, compromised }: Standing, whose: Whose, now: number): Notice[] {
  const common = { ...whose, secret, ...(owner === undefined ? {} : { owner }), at: now }
  const id = idOf(whose, secret)
  const notices: Notice[] = []
  if (compromised !== undefined) {
    notices.push({
      ...common, facts: { since: timeOf(compromised) }, id: `${id}.compromised.${compromised}.${daysSince(compromised, now)}`, kind: 'secret-compromised', severity: 'critical', trouble: 'begun',
      title: `${secret} is marked as compromised, and still in use`, advice: { actions: [`Run \`keyturn emergency ${secret}\`: it ends what is out now.`], contacts: [] },
    })
  }
  if (expires === undefined) return notices
  const facts = { expires: timeOf(expires) }
  if (expires <= now) {
    notices.push({ ...common, facts, id: `${id}.expired.${expires}.${daysSince(expires, now)}`, kind: 'secret-expired', severity: 'critical', trouble: 'begun', title: `the credential of ${secret} has expired`, advice: { actions: [CODES.ROTATION_DUE.hint], contacts: [] } })
    return notices
  }
  const days = DAYS_BEFORE.findLast((each) => expires - now <= each * DAY)
  if (days !== undefined && (begins === undefined || begins >= expires)) {
    notices.push({ ...common, facts, id: `${id}.expiring.${expires}.${days}`, kind: 'secret-expiring', severity: 'warning', trouble: 'begun', title: `the credential of ${secret} expires on ${timeOf(expires).slice(0, 10)}`, advice: { actions: [CODES.ROTATION_DUE.hint], contacts: [] } })
  }
  return notices
}

/** The schedule wanted a rotation of a secret, and it could not begin: one notice a day for each reason. */
export function unbegunNotice({ secret, owner }: Pick<Standing, 'secret' | 'owner'>, { code, about }: { readonly code: Code; readonly about: string }, whose: Whose, now: number): Notice {
  return {
    id: `${idOf(whose, secret)}.unbegun.${code}.${Math.floor(now / DAY)}`, kind: 'rotation-unbegun', severity: 'warning', trouble: 'begun',
    title: `the rotation of ${secret} cannot begin: ${failureText(code, about)}`, facts: { code, scheduled: true }, ...namesOf(whose), secret, ...(owner === undefined ? {} : { owner }), at: now,
    advice: { actions: [CODES[code].hint], contacts: [] },
  }
}

/** A rotation that has stood still for so many days, told again. `notice` is the one that said so first. */
export function stillNotice(notice: Notice, now: number): Notice | undefined {
  const days = daysSince(notice.at, now)
  return notice.kind !== 'rotation-paused' || days < 1 ? undefined : { ...notice, id: `${notice.id}.${days}`, facts: { ...notice.facts, days }, at: now }
}

/** The record of an emergency whose questions are open for so many days. */
export function incidentNotice({ id, decidedAt }: { readonly id: string; readonly decidedAt: number }, whose: Whose, now: number): Notice | undefined {
  const days = daysSince(decidedAt, now)
  if (days < 1) return undefined
  return {
    id: `${id}.open.${days}`, kind: 'incident-open', severity: 'warning', title: `${id} is open for ${days} d: its questions are not answered, or nobody has closed it`, facts: { days }, ...namesOf(whose), at: now,
    advice: { actions: [`See \`keyturn incident show ${id}\`, answer its questions and close it.`], contacts: [] },
  }
}

/** What users will feel, and when: told once for each time. */
export function aheadNotice({ secret, owner, impact }: Pick<Standing, 'secret' | 'owner'> & { readonly impact: string }, begins: number, whose: Whose, now: number): Notice {
  return {
    id: `${aheadIdOf(whose, secret)}${begins}`, kind: 'impact-ahead', severity: 'info', title: `${secret} will be rotated from ${timeOf(begins)} on: ${oneLine(impact)}`,
    facts: { begins: timeOf(begins) }, ...namesOf(whose), secret, ...(owner === undefined ? {} : { owner }), at: now,
  }
}

/** What the ids of these begin with; the time follows, unix ms. */
export function aheadIdOf(whose: Whose, secret: string): string {
  return `${idOf(whose, secret)}.ahead.`
}

/** Nothing else of whatever has these: a manifest is more. */
function namesOf({ system, environment }: Whose): Whose {
  return { system, environment }
}

/** Fit for the header of a request and the name of a message, whatever the system is called. */
function idOf({ system, environment }: Whose, secret: string): string {
  return [system, environment, secret].map(encodeURIComponent).join('.')
}

function daysSince(since: number, now: number): number {
  return Math.floor((now - since) / DAY)
}
