import type { TaskRequest } from '../kit/index.ts'
import type { Shown, Step } from '../plan/step.ts'
import type { TimedEvent } from './event.ts'
import type { Progress } from './progress.ts'
import { stepsOf } from './steps.ts'

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
 * Whose part in a reload is done, or was never begun: who has said that it took the value; on the way back who was not handed the new
 * one either, for that one still has the old.
 */
export function spared(progress: Progress, step: Step & ConsumerStep): string[] {
  const here = progress.receivers.get(step.id)
  const taken = [...(here ?? [])].flatMap(([name, { acknowledged }]) => (acknowledged === undefined ? [] : [name]))
  if (progress.direction === 'forward') return taken
  const before = progress.plan.steps.filter((each) => each.do === 'reload' && each.wave === step.wave && each.consumer === step.consumer)
  const touched = new Set(before.flatMap(({ id }) => [...(progress.receivers.get(id)?.keys() ?? [])]))
  const names = progress.plan.waves[step.wave]?.[step.consumer]?.instances ?? []
  return [...taken, ...names.filter((name) => !touched.has(name))]
}

/** Whether a receiver has said that it took this credential, at the last time that its consumer was given it. */
export function isTaken(progress: Progress, { wave, consumer, which, beside }: ConsumerStep, name: string): boolean {
  const last = stepsOf(progress).findLast((step) => step.do === 'reload' && step.wave === wave && step.consumer === consumer && progress.receivers.has(step.id))
  return last?.do === 'reload' && last.which === which && last.beside === beside && progress.receivers.get(last.id)?.get(name)?.acknowledged !== undefined
}

/** The receivers that the last task of a step named, and for which nobody has given a word. */
export function withoutWord(events: readonly TimedEvent[], step: string): string[] {
  const asked = events.findLast((event) => event.type === 'step-asked' && event.step === step)
  const receivers = asked?.type === 'step-asked' ? (asked.task.receivers ?? []) : []
  return receivers.filter((name) => !events.some((event) => (event.type === 'acknowledged' && event.what === name) || (event.type === 'receiver-acknowledged' && event.step === step && event.receiver === name)))
}
