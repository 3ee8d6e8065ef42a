import { CODES, type Evidence, label, type Ms, type Notice } from '../kit/index.ts'
import { isEffect } from '../plan/step.ts'
import { overlaps } from '../plan/steps.ts'
import type { TimedEvent } from '../journal/event.ts'
import { advance, foldProgress, type Progress } from '../journal/progress.ts'
import { stepOf } from '../journal/steps.ts'
import type { Kind } from '../telling/kind.ts'
import { failureText, oneLine } from './words.ts'

/** A gate that holds for so long is worth a notice, and a provider that takes as long. */
const HELD_MS: Ms = 3_600_000

const DAY: Ms = 86_400_000

/** What an event is worth, before it is known whose it is. */
interface Told {
  readonly kind: Kind
  readonly severity: Notice['severity']
  readonly trouble?: NonNullable<Notice['trouble']>
  readonly title: string
  readonly facts?: Evidence
  /** keyturn's own advice. */
  readonly hint?: string
}

/**
 * What people are told of one rotation, oldest first. Pure, and stable: a longer journal gives the same notices with the same ids, and
 * more behind them. The last entry may have happened long ago; whoever tells decides what is still news.
 */
export function noticesOf(rotation: string, events: readonly TimedEvent[]): Notice[] {
  const [first] = events
  if (first?.type !== 'rotation-opened') return []
  const { plan, reason } = first
  const scheduled = reason.startsWith('scheduled: ')
  const common: Evidence = { strategy: plan.strategy, ...(scheduled ? { scheduled } : {}) }
  const held = new Map<string, Held>()
  let progress = foldProgress([first])
  return events.flatMap((event, index): Notice[] => {
    const before = progress
    if (index > 0) progress = advance(before, event)
    const told = event.type === 'rotation-opened' ? opened(plan.secret, event) : event.type === 'gate-held' ? heldLong(held, event, progress) : of(event, before, progress)
    if (event.type === 'step-done') held.delete(event.step)
    if (told === undefined) return []
    const { hint, facts, ...said } = told
    return [{
      // Padded, so that ids sort as they follow one another.
      id: `${rotation}.${String(index + 1).padStart(6, '0')}`, ...said, facts: { ...common, ...facts },
      system: plan.system, environment: plan.environment, secret: plan.secret, ...(plan.owner === undefined ? {} : { owner: plan.owner }), rotation, at: event.at,
      ...(hint === undefined ? {} : { advice: { actions: [hint], contacts: [] } }),
    }]
  })
}

function opened(secret: string, { by, plan: { emergency, takesBack } }: TimedEvent & { type: 'rotation-opened' }): Told {
  if (emergency !== undefined) {
    return {
      kind: 'emergency-opened', severity: 'critical', trouble: 'begun', title: `${secret} is taken for compromised: everything live of it is ended and replaced`,
      facts: { by: label(by), incident: label(emergency.incident), order: emergency.order, outage: emergency.estimates[emergency.order].outage }, hint: `See \`keyturn incident show ${emergency.incident}\` and answer its questions.`,
    }
  }
  return { kind: 'rotation-opened', severity: 'info', title: takesBack === undefined ? `a rotation of ${secret} has begun` : `${secret} begins to go back to what it was before ${takesBack}`, facts: { by: label(by) } }
}

/** Since when a step holds, and how many days of that were told: 0 is the first hour. */
interface Held {
  readonly since: number
  readonly told: number
}

/** Once it has held for an hour, and again with each day. */
function heldLong(held: Map<string, Held>, event: TimedEvent & { type: 'gate-held' }, { plan }: Progress): Told | undefined {
  const { step: id, at, reasons } = event
  const { since, told } = held.get(id) ?? { since: at, told: -1 }
  const days = at - since < HELD_MS ? -1 : Math.floor((at - since) / DAY)
  held.set(id, { since, told: Math.max(told, days) })
  if (days <= told) return undefined
  const hours = Math.floor((at - since) / 3_600_000)
  const awaits = stepOf(plan, id).do === 'collect'
  const title = awaits ? `the provider has not rotated ${plan.secret} for ${hours} h` : `the old credential of ${plan.secret} is not ended for ${hours} h, since it may still be in use`
  const hint = awaits ? 'Look at the provider why it does not; a rotation by hand is possible there.' : CODES.GATE_HELD.hint
  return { kind: 'rotation-held', severity: 'warning', trouble: 'begun', title: `${title}: ${oneLine(reasons.join('; '))}`, facts: { step: label(id), hours }, hint }
}

function of(event: TimedEvent, before: Progress, progress: Progress): Told | undefined {
  const { plan } = progress
  const { secret } = plan
  const seeTask = (does: string): string => `See \`keyturn task show ${secret}\`, and ${does}.`
  switch (event.type) {
    case 'intent-recorded': {
      const { impact } = plan.summary
      if (impact === 'none' || !isFelt(before, event.step)) return undefined
      return { kind: 'impact-begun', severity: 'info', title: `users begin to feel the rotation of ${secret}: ${oneLine(impact)}` }
    }
    case 'step-asked':
      return { kind: 'task-asked', severity: 'warning', trouble: 'begun', title: `${secret}: somebody is asked: ${oneLine(event.task.title)}`, facts: { task: event.task.kind, step: label(event.step), due: timeOf(progress.asked?.dueAt ?? event.at), ...(event.task.receivers === undefined ? {} : { receivers: event.task.receivers.length }) }, hint: seeTask('answer it') }
    case 'task-reminded':
      return { kind: 'task-reminded', severity: 'warning', trouble: 'begun', title: `${secret}: still to be done: ${oneLine(progress.asked?.task.title ?? '')}`, facts: { step: label(event.step), due: timeOf(before.asked?.dueAt ?? event.at) }, hint: seeTask('answer or decline it') }
    case 'task-answered':
      return { kind: 'task-answered', severity: 'info', trouble: 'taken', title: `${secret}: what was asked is done: ${oneLine(before.asked?.task.title ?? '')}`, facts: { by: label(event.by), step: label(event.step) } }
    case 'receiver-acknowledged':
      return { kind: 'receiver-acknowledged', severity: 'info', title: `${secret}: ${label(event.receiver)} has taken the new value`, facts: { receiver: label(event.receiver), by: label(event.by) } }
    case 'task-declined':
      return { kind: 'task-declined', severity: 'warning', title: `${secret}: nobody will do this: ${oneLine(before.asked?.task.title ?? '')}`, facts: { by: label(event.by), step: label(event.step) } }
    case 'rotation-paused':
      // What a person is asked was told already.
      return progress.asked === undefined ? { kind: 'rotation-paused', severity: 'critical', trouble: 'begun', title: `the rotation of ${secret} stands still: ${failureText(event.code, event.about)}`, facts: { code: event.code, step: label(event.step) }, hint: CODES[event.code].hint } : undefined
    case 'rotation-resumed':
      return { kind: 'rotation-resumed', severity: 'info', trouble: 'taken', title: `the rotation of ${secret} goes on`, facts: { by: label(event.by) } }
    case 'direction-turned':
      return { kind: 'rotation-turned', severity: isWished(progress) ? 'info' : 'warning', title: `the rotation of ${secret} goes back: ${failureText(event.code, event.about)}`, facts: { code: event.code } }
    case 'rotation-closed':
      return closed(event, progress)
    default:
      return undefined
  }
}

function closed({ result, code, about, at }: TimedEvent & { type: 'rotation-closed' }, progress: Progress): Told {
  const { plan: { secret }, openedAt } = progress
  const facts = { took: at - openedAt, ...(code === undefined ? {} : { code }) }
  if (result === 'done') return { kind: 'rotation-done', severity: 'info', trouble: 'over', title: `${secret} is rotated`, facts }
  const why = code === undefined ? '' : `: ${failureText(code, about)}`
  const hint = code === undefined ? undefined : CODES[code].hint
  if (result === 'superseded') return { kind: 'rotation-superseded', severity: 'warning', title: `an emergency took the place of a rotation of ${secret}`, facts: { ...facts, rotation: label(about ?? '') } }
  if (result === 'refused') return { kind: 'rotation-refused', severity: 'warning', trouble: 'begun', title: `the rotation of ${secret} was refused, nothing was changed${why}`, facts, ...(hint === undefined ? {} : { hint }) }
  const wished = isWished(progress)
  return { kind: 'rotation-rolled-back', severity: wished ? 'info' : 'warning', trouble: wished ? 'over' : 'begun', title: `the rotation of ${secret} went back, the old credential is in use${why}`, facts, ...(hint === undefined || wished ? {} : { hint }) }
}

/** Whether a person wanted it to go back. */
function isWished({ turnRequested }: Progress): boolean {
  return turnRequested !== undefined
}

/** The first effect that users may feel: where old and new overlap nothing before the first store or consumer, elsewhere the mint that ends the old one. */
function isFelt({ plan, intended }: Progress, id: string): boolean {
  const felt = plan.steps.find((step) => isEffect(step) && (!overlaps(plan) || step.phase === 'present'))
  return felt?.id === id && !intended.has(id)
}

/** As a label: `2026-01-01T03:00:00Z`. */
export function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}
