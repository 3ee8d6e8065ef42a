import type { Progress } from '../journal/progress.ts'
import { stepsOf } from '../journal/steps.ts'
import type { Evidence, Since } from '../kit/index.ts'
import type { Plan, PlannedCheck } from '../plan/plan.ts'

/** Which check of a plan: of the secret, or of the whole system after a rotation. */
export interface CheckPlace {
  readonly list: 'secret' | 'postflight'
  readonly index: number
}

/** What the plan says of a check. Undefined when it has no such one. */
export function specOf(plan: Plan, { list, index }: CheckPlace): PlannedCheck | undefined {
  return (list === 'secret' ? plan.checks : plan.postflight)[index]
}

/** What a check saw in preflight, as it stands among the evidence of that step: `check:0 status`. */
export function keptEvidence(place: CheckPlace, seen: Evidence): Evidence {
  return Object.fromEntries(Object.entries(seen).map(([name, value]) => [prefixOf(place) + name, value]))
}

/**
 * What a check may compare with: from the intent of the first publishing in the present direction on, else of the first reload,
 * the change is there for consumers to see; when nothing was published, since the rotation was opened.
 */
export function sinceOf(progress: Progress, place: CheckPlace): Since {
  const steps = stepsOf(progress)
  const began = (['publish', 'reload'] as const).flatMap((kind) => steps.filter((step) => step.do === kind).flatMap((step) => progress.intended.get(step.id) ?? []))
  const prefix = prefixOf(place)
  const kept = Object.entries(progress.done.get('preflight')?.evidence ?? {}).filter(([name]) => name.startsWith(prefix))
  return { at: began[0] ?? progress.openedAt, before: Object.fromEntries(kept.map(([name, value]) => [name.slice(prefix.length), value])) }
}

function prefixOf({ list, index }: CheckPlace): string {
  return `${list === 'secret' ? 'check' : 'postflight'}:${index} `
}
