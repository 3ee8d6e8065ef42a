import type { TaskRequest } from '../kit/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { Shown, Step, Which } from '../plan/step.ts'
import { isDual } from '../plan/steps.ts'
import type { TimedEvent } from './event.ts'
import type { Progress } from './progress.ts'

/** Who did it, and when, unix ms. */
export interface Said {
  readonly by: string
  readonly at: number
}

/** What became of a value at one outside receiver; a part that did not happen is absent. */
export interface Receiver {
  /** The last time that somebody took it out for the receiver. */
  readonly handed?: Said
  readonly acknowledged?: Said
}

/** By name. */
export type Receivers = ReadonlyMap<string, Receiver>

type Heard = TimedEvent & { readonly type: 'value-handed' | 'receiver-acknowledged' }

/** What is known of the receivers of a step after one event more. */
export function heard(before: Receivers | undefined, event: Heard): Receivers {
  const said = { by: event.by, at: event.at }
  const known = before?.get(event.receiver)
  return new Map(before ?? []).set(event.receiver, { ...known, ...(event.type === 'value-handed' ? { handed: said } : { acknowledged: said }) })
}

/** Those that a task still waits for. */
export function openReceivers({ receivers = [] }: TaskRequest, known: Receivers | undefined): string[] {
  return receivers.filter((name) => known?.get(name)?.acknowledged === undefined)
}

type ConsumerStep = { readonly wave: number; readonly consumer: number } & Shown

/**
 * Whose part in a reload is done, or was never begun: who has said that it holds what is shown now; on the way back who was not handed
 * the new one either, for that one still has the old.
 */
export function spared(progress: Progress, step: Step & ConsumerStep): string[] {
  const names = progress.plan.waves[step.wave]?.[step.consumer]?.instances ?? []
  const touched = new Set(roundsOf(progress.plan.steps, progress, step).flatMap(({ id }) => [...(progress.receivers.get(id)?.keys() ?? [])]))
  return names.filter((name) => isTaken(progress, step, name) || (progress.direction === 'back' && !touched.has(name)))
}

/** Whether a receiver has said that it took this credential, at the last time that anything was asked of its consumer. */
export function isTaken(progress: Progress, step: ConsumerStep, name: string): boolean {
  const { plan, direction } = progress
  const last = roundsOf(direction === 'back' ? [...plan.steps, ...plan.back] : plan.steps, progress, step).at(-1)
  return last !== undefined && holding(plan, last) === holding(plan, step) && progress.receivers.get(last.id)?.get(name)?.acknowledged !== undefined
}

/** Whether somebody took the value of this rotation out for a receiver of the step. */
export function wasHanded(progress: Progress, step: Step, name: string): boolean {
  return step.do === 'reload' && roundsOf(progress.plan.steps, progress, step).some(({ id }) => progress.receivers.get(id)?.get(name)?.handed !== undefined)
}

/** The reloads of a consumer in which something was asked of its receivers, in their order. */
function roundsOf(steps: readonly Step[], { receivers }: Progress, { wave, consumer }: ConsumerStep): (Step & { do: 'reload' })[] {
  return steps.filter((step): step is Step & { do: 'reload' } => step.do === 'reload' && step.wave === wave && step.consumer === consumer && receivers.has(step.id))
}

/** What receivers hold after such a round. They check: of two keys they accept both, whichever of them signs. */
function holding(plan: Plan, { which, beside }: Shown): 'both' | Which {
  return isDual(plan) && beside !== undefined ? 'both' : which
}

/** The receivers that the last task of a step named, and for which nobody has given a word. */
export function withoutWord(events: readonly TimedEvent[], step: string): string[] {
  const asked = events.findLast((event) => event.type === 'step-asked' && event.step === step)
  const receivers = asked?.type === 'step-asked' ? (asked.task.receivers ?? []) : []
  return receivers.filter((name) => !events.some((event) => (event.type === 'acknowledged' && event.what === name) || (event.type === 'receiver-acknowledged' && event.step === step && event.receiver === name)))
}
