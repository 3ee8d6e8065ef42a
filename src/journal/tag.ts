import type { Plan } from '../plan/plan.ts'
import type { Step } from '../plan/step.ts'

/**
 * The tag of one attempt, kept at the provider where it keeps tags: by it a mint that got no answer is found again (I3). A trigger has
 * one for all of its attempts, so that repeating it starts no second rotation.
 */
export function tagOf(rotation: string, plan: Plan, step: Step, attempt: number): string {
  const once = step.do === 'mint' && plan.traits.mint === 'triggers'
  return once ? `kt-${rotation}-${step.id}` : `kt-${rotation}-${step.id}-${attempt}`
}

/** Whether an attempt of this rotation carried the tag. */
export function isTagOf(rotation: string, tag: string | undefined): boolean {
  return tag?.startsWith(`kt-${rotation}-`) === true
}
