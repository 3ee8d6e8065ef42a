import type { Plan } from '../plan/plan.ts'
import type { Shown, Step, Which } from '../plan/step.ts'
import { isChosen, isOneWay, overlaps, restores } from '../plan/steps.ts'
import type { Progress } from './progress.ts'

/** The steps of the present direction that are needed, in order. */
export function stepsOf(progress: Progress): readonly Step[] {
  const list = progress.direction === 'forward' ? progress.plan.steps : progress.plan.back
  if (list.every((step) => step.needs === undefined)) return list
  const known = isKnown(progress)
  const needed = { minted: mayHave(progress, 'mint') || (known && restores(progress.plan)), known, shown: mayHave(progress, 'publish'), presented: mayPresent(progress), ended: mayHave(progress, 'set'), lost: mintsLost(progress) > 0 }
  return list.filter((step) => step.needs === undefined || needed[step.needs])
}

/** Whether an effect of this kind may have happened on the way forward. What is turned on again instead of made counts as minted. */
export function mayHave(progress: Progress, kind: 'mint' | 'publish' | 'set'): boolean {
  return progress.plan.steps.some((step) => (isEnding(step) || step.do !== 'set' ? step.do : 'mint') === kind && progress.begun.has(step.id))
}

/** Whether the step ends a credential, for good or not. */
export function isEnding(step: Step): step is Step & { do: 'set'; to: 'off' | 'gone' } {
  return step.do === 'set' && step.to !== 'on'
}

/** Whether the new credential may be presented: not while stores show it to those who accept it alone. */
function mayPresent({ plan, begun }: Progress): boolean {
  return plan.steps.some((step) => step.do === 'publish' && step.phase === 'present' && begun.has(step.id))
}

/** How many mints of the way forward got no answer, and were not to be seen either. */
export function mintsLost({ plan, lost }: Progress): number {
  // Asking a person makes nothing that could be lost.
  if (plan.traits.asks?.includes('mint') === true) return 0
  return plan.steps.reduce((sum, step) => sum + (step.do === 'mint' ? (lost.get(step.id) ?? 0) : 0), 0)
}

/**
 * Whether the new credential is known: a chosen value from the intent of its mint on, one that the provider makes when it came; one
 * that was in use before when it may be on again.
 */
export function isKnown(progress: Progress): boolean {
  if (restores(progress.plan)) return progress.plan.traits.ends.length === 0 || mayHave(progress, 'mint')
  return isChosen(progress.plan.traits) ? mayHave(progress, 'mint') : isBrought(progress)
}

/** The label of the new credential's id (see name.ts); undefined as long as it has none. */
export function newIdOf({ newId, plan }: Progress): string | undefined {
  return newId ?? plan.next?.id
}

/** Whether this step brings the new credential: the mint, or what collects from a provider that was only triggered. */
export function brings({ traits }: Plan, step: Step): boolean {
  return step.do === (traits.mint === 'triggers' ? 'collect' : 'mint') && step.which === 'new'
}

/** Whether this step takes a credential that the provider makes: it is sealed with the outcome, not with the intent. */
export function takesMade(plan: Plan, step: Step): boolean {
  return brings(plan, step) && !isChosen(plan.traits)
}

/** Whether one of the steps that bring it is done, and did not come back empty-handed. */
function isBrought({ plan, done }: Progress): boolean {
  return [...plan.steps, ...plan.back].some((step) => brings(plan, step) && done.has(step.id) && done.get(step.id)?.evidence['brought'] !== false)
}

/** The step with this id, of either direction. Throws on one that the plan does not have. */
export function stepOf(plan: Plan, id: string): Step {
  const step = plan.steps.find((each) => each.id === id) ?? plan.back.find((each) => each.id === id)
  if (step === undefined) throw new TypeError(`the plan has no step ${id}`)
  return step
}

/** What a step needs for itself while it changes it: its store, or its consumer. Undefined when it needs nothing. */
export function resourceOf(plan: Plan, step: Step): string | undefined {
  if (step.do === 'publish') return plan.stores[step.store]?.key
  return step.do === 'reload' ? plan.waves[step.wave]?.[step.consumer]?.key : undefined
}

/** Whether the old credential is ended for good, or may be: then there is no way back. */
export function pastReturn(progress: Progress): boolean {
  if (progress.direction === 'back') return false
  // What is compromised is never gone back to.
  if (progress.plan.emergency !== undefined && progress.begun.size > 0) return true
  if (isOneWay(progress.plan) && mayHave(progress, 'mint')) return true
  return progress.plan.steps.some((step) => forgets(step) && (step.do !== 'set' || step.to === 'gone') && progress.intended.has(step.id))
}

/** A step after which one of the two credentials is no longer accepted. */
export type Forgetting = Step & { do: 'set' | 'publish' }

/** Whether the step ends a credential, at the issuer or, where the consumers accept, in what they read. */
export function forgets(step: Step): step is Forgetting {
  return step.do === 'set' ? step.to !== 'on' : step.do === 'publish' && step.phase === 'forget'
}

/** The credential that such a step ends. */
export function endedBy(step: Forgetting): Which {
  return step.do === 'set' ? step.which : other(step.which)
}

/** The other one of the two. */
export function other(which: Which): Which {
  return which === 'new' ? 'old' : 'new'
}

/** What the stores show beside, and what they showed before: which of the two an instance still holds when it was not reloaded. */
export function shownBefore({ which, beside }: Shown): Shown {
  // Of two that are accepted, the one that comes later is accepted before it is presented, and the earlier one is forgotten last.
  if (beside === undefined) return { which, beside: other(which) }
  return which === 'old' ? { which } : { which: beside, beside: which }
}

/** Whether ending the old credential was begun on the way forward: then going back is an undo. */
export function endingBegun(progress: Progress): boolean {
  return progress.plan.steps.some((step) => isEnding(step) && progress.intended.has(step.id))
}

/** A gate counts for an ending that begins this long after it at most. */
export const GATE_FRESH_MS = 60_000

/** The gate that stands before an ending in the same direction; undefined when the plan has none for it. */
export function gateOf(progress: Progress, step: Forgetting): Step | undefined {
  const list = progress.direction === 'forward' ? progress.plan.steps : progress.plan.back
  // What was forgotten in one store is forgotten: the gate is before the first of them.
  if (step.do === 'publish' && list.find(forgets)?.id !== step.id) return undefined
  const gate = list.find((each) => each.do === 'gate' && each.ends === endedBy(step) && (step.do === 'publish' || each.to === step.to))
  const needed = gate?.needs === undefined || mayPresent(progress)
  return overlaps(progress.plan) && needed ? gate : undefined
}
