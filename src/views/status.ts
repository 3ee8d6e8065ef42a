import type { Progress } from '../journal/progress.ts'
import { stepsOf } from '../journal/steps.ts'
import type { RotationRow } from '../state/rotation.ts'
import { holderOf } from '../state/holder.ts'
import { type Code, CODES, type KeyturnError, type Notice } from '../kit/index.ts'
import { moment } from './duration.ts'
import type { Paint } from './paint.ts'

/** Where one rotation stands, as `status --json` gives it. */
export interface RotationStatus {
  readonly rotation: string
  readonly system: string
  readonly environment: string
  readonly secret: string
  readonly strategy: string
  readonly direction: 'forward' | 'back'
  readonly phase: string
  /** The step at hand; absent when all are done. */
  readonly step?: string
  readonly done: number
  readonly of: number
  readonly state: 'running' | 'waiting' | 'held' | 'asked' | 'paused' | 'ready' | 'closed'
  /** When it goes on, ISO 8601. */
  readonly until?: string
  readonly why?: string
  readonly hint?: string
  /** Outside receivers that have not taken the value yet. */
  readonly receivers?: readonly string[]
  readonly heldBy?: string
  /** What the manifest's escalation table says to do. */
  readonly escalation?: Notice['advice']
  readonly result?: string
  readonly opened: string
  /** With what it was begun; absent for one that was begun by itself. */
  readonly campaign?: string
  /** Consumers that hold the old value and were not touched, while it stands at one before them. */
  readonly untouched?: readonly string[]
}

/** A rotation whose journal cannot be read, as `status --json` gives it. */
export interface BrokenStatus {
  readonly rotation: string
  readonly system: string
  readonly environment: string
  readonly secret: string
  readonly opened: string
  readonly error: { readonly code: Code; readonly message: string; readonly hint: string }
}

/** The same from the index alone: of its journal nothing can be believed. */
export function brokenStatusOf(row: RotationRow, { code, message, hint }: KeyturnError): BrokenStatus {
  return { rotation: row.id, system: row.system, environment: row.environment, secret: row.secret, opened: moment(row.opened_at), error: { code, message, hint } }
}

/** Where a rotation stands, from its journal. `isDead` says of an owner that its process certainly does not exist any more. */
export function statusOf(row: RotationRow, progress: Progress, now: number, isDead: (owner: string) => boolean): RotationStatus {
  const steps = stepsOf(progress)
  const step = steps.find((each) => !progress.done.has(each.id))
  const wait = step === undefined ? undefined : progress.waits.get(step.id)
  const running = row.owner !== null && row.lease_until > now && !isDead(row.owner)
  const untouched = untouchedBy(progress)
  const base = {
    rotation: row.id,
    system: row.system,
    environment: row.environment,
    secret: row.secret,
    strategy: progress.plan.strategy,
    direction: progress.direction,
    phase: step?.phase ?? 'close',
    ...(step === undefined ? {} : { step: step.id }),
    done: steps.filter((each) => progress.done.has(each.id)).length,
    of: steps.length,
    opened: moment(progress.openedAt),
    ...(progress.member === undefined ? {} : { campaign: progress.member.campaign }),
    ...(untouched.length === 0 ? {} : { untouched }),
    ...(running && row.owner !== null ? { heldBy: row.owner } : {}),
  }
  if (progress.closed !== undefined) return { ...base, state: 'closed', result: progress.closed.result, ...(progress.closed.about === undefined ? {} : { why: progress.closed.about }) }
  if (progress.paused !== undefined) {
    const { code, about } = progress.paused
    const { asked } = progress
    // Their names are in the title of the task as it was asked; some have answered since.
    const left = asked?.task.receivers
    if (asked !== undefined) return { ...base, state: 'asked', until: moment(asked.remindAt), why: left === undefined ? about : `not taken yet by ${left.join(', ')}`, ...(left === undefined ? {} : { receivers: left }), hint: `See \`keyturn task show ${row.id}\`.` }
    return { ...base, state: 'paused', why: about === '' ? CODES[code].says : `${CODES[code].says}: ${about}`, hint: CODES[code].hint }
  }
  if (progress.held !== undefined && step?.do === 'collect') return { ...base, state: 'waiting', until: moment(progress.held.retryAt), why: progress.held.reasons.join('; ') }
  if (progress.held !== undefined) return { ...base, state: 'held', until: moment(progress.held.retryAt), why: progress.held.reasons.join('; '), hint: CODES.GATE_HELD.hint }
  if (wait !== undefined && wait > now) return { ...base, state: 'waiting', until: moment(wait), why: step?.id ?? '' }
  return { ...base, state: running ? 'running' : 'ready' }
}

/** Once one consumer was reloaded on the way forward: titles of those that were not (S1-38). */
export function untouchedBy({ plan, direction, begun, done }: Progress): string[] {
  const reloads = plan.steps.flatMap((step) => (step.do === 'reload' ? [step] : []))
  if (direction === 'back' || !reloads.some(({ id }) => begun.has(id))) return []
  return reloads.filter(({ id }) => !begun.has(id) && !done.has(id)).flatMap(({ wave, consumer }) => plan.waves[wave]?.[consumer]?.title ?? [])
}

/** The open rotations for people. */
export function statusLines(open: readonly RotationStatus[], paint: Paint): string[] {
  if (open.length === 0) return ['Nothing is open.']
  return open.flatMap((each) => [
    `${paint.strong(each.rotation)}  ${each.state}  ${each.direction === 'back' ? paint.warn('going back') : each.phase}  ${each.done}/${each.of} steps${each.step === undefined ? '' : `, at ${each.step}`}`,
    ...(each.why === undefined ? [] : [`  ${each.why}${each.until === undefined ? '' : ` (until ${each.until})`}`]),
    ...(each.untouched === undefined ? [] : [`  not reloaded yet: ${each.untouched.join(', ')}`]),
    ...(each.hint === undefined ? [] : [`  ${paint.dim(each.hint)}`]),
    ...adviceLines(each.escalation, paint),
    ...(each.heldBy === undefined || each.state !== 'running' ? [] : [`  ${paint.dim(`held by ${holderOf(each.heldBy)}; if that has ended, keyturn resume ${each.rotation} takes it over`)}`]),
    ...(each.state === 'ready' ? [`  ${paint.dim(`Nobody runs it: keyturn resume ${each.rotation}`)}`] : []),
  ])
}

/** Those whose journal is broken: named, with what to do. */
export function brokenLines(broken: readonly BrokenStatus[], paint: Paint): string[] {
  return broken.flatMap(({ rotation, error }) => [`${paint.strong(rotation)}  ${paint.bad(error.code)}  ${error.message}`, `  ${paint.dim(error.hint)}`])
}

/** What to do, whom to ask and where more is written. */
function adviceLines(advice: Notice['advice'], paint: Paint): string[] {
  if (advice === undefined) return []
  const { actions, contacts, link } = advice
  return [...actions.map((action, index) => `  ${paint.warn(`${index + 1}. ${action}`)}`), ...(contacts.length === 0 ? [] : [`  ask: ${contacts.join('; ')}`]), ...(link === undefined ? [] : [`  ${link}`])]
}
