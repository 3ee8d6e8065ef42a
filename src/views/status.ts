import { type Progress, stepsOf } from '../engine/progress.ts'
import type { RotationRow } from '../state/rotation.ts'
import { CODES } from '../kit/index.ts'
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
  readonly state: 'running' | 'waiting' | 'held' | 'paused' | 'ready' | 'closed'
  /** When it goes on, ISO 8601. */
  readonly until?: string
  readonly why?: string
  readonly hint?: string
  readonly heldBy?: string
  readonly result?: string
  readonly opened: string
}

/** Where a rotation stands, from its journal. */
export function statusOf(row: RotationRow, progress: Progress, now: number): RotationStatus {
  const steps = stepsOf(progress)
  const step = steps.find((each) => !progress.done.has(each.id))
  const wait = step === undefined ? undefined : progress.waits.get(step.id)
  const running = row.owner !== null && row.lease_until > now
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
    ...(running && row.owner !== null ? { heldBy: row.owner } : {}),
  }
  if (progress.closed !== undefined) return { ...base, state: 'closed', result: progress.closed.result, ...(progress.closed.about === undefined ? {} : { why: progress.closed.about }) }
  if (progress.paused !== undefined) {
    const { code, about } = progress.paused
    return { ...base, state: 'paused', why: about === '' ? CODES[code].says : `${CODES[code].says}: ${about}`, hint: CODES[code].hint }
  }
  if (progress.held !== undefined) return { ...base, state: 'held', until: moment(progress.held.retryAt), why: progress.held.reasons.join('; '), hint: CODES.GATE_HELD.hint }
  if (wait !== undefined && wait > now) return { ...base, state: 'waiting', until: moment(wait), why: step?.id ?? '' }
  return { ...base, state: running ? 'running' : 'ready' }
}

/** The open rotations for people. */
export function statusLines(open: readonly RotationStatus[], paint: Paint): string[] {
  if (open.length === 0) return ['Nothing is open.']
  return open.flatMap((each) => [
    `${paint.strong(each.rotation)}  ${each.state}  ${each.direction === 'back' ? paint.warn('going back') : each.phase}  ${each.done}/${each.of} steps${each.step === undefined ? '' : `, at ${each.step}`}`,
    ...(each.why === undefined ? [] : [`  ${each.why}${each.until === undefined ? '' : ` (until ${each.until})`}`]),
    ...(each.hint === undefined ? [] : [`  ${paint.dim(each.hint)}`]),
    ...(each.heldBy === undefined || each.state !== 'running' ? [] : [`  ${paint.dim(`held by ${holder(each.heldBy)}; if that has ended, keyturn resume ${each.rotation} takes it over`)}`]),
    ...(each.state === 'ready' ? [`  ${paint.dim(`Nobody runs it: keyturn resume ${each.rotation}`)}`] : []),
  ])
}

/** An owner for people: `process 4711 of host`. */
function holder(owner: string): string {
  const process = / (\d+)@\d+$/.exec(owner)?.[1]
  return process === undefined ? owner : `process ${process} of ${owner.split('/')[0]}`
}
