import type { Progress } from '../journal/progress.ts'
import type { Plan, PlannedConsumer } from '../plan/plan.ts'
import type { Step } from '../plan/step.ts'
import { overlaps } from '../plan/steps.ts'

/** One of a batch: its id, and where it stands by its journal. */
export interface Member {
  readonly id: string
  readonly progress: Progress
}

type Reload = Step & { readonly do: 'reload' }

/** The reloads of the way forward, in order. */
function reloadsOf(plan: Plan): Reload[] {
  return plan.steps.flatMap((step) => (step.do === 'reload' ? [step] : []))
}

/** What is reloaded, and how: two reloads are the same only if one can stand for the other. */
export function reloadKey(plan: Plan, { wave, consumer }: Pick<Reload, 'wave' | 'consumer'>): string {
  const planned = plan.waves[wave]?.[consumer]
  return planned === undefined ? '' : consumerKey(planned)
}

/** The same of a consumer as a plan has it. */
export function consumerKey({ key, use, config }: PlannedConsumer): string {
  return JSON.stringify([key, use, config])
}

/** What a plan reloads, each once: see {@link consumerKey}. */
export function consumerKeys({ waves }: Plan): ReadonlySet<string> {
  return new Set(waves.flat().map(consumerKey))
}

/** Whether something that both use is reloaded for both, by what each reloads. */
export function shareReload(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  for (const key of one) if (other.has(key)) return true
  return false
}

/** Whether the step is a reload of the first round, which the barrier stands before: what another strategy publishes later it reloads for itself. */
export function isFirstRound({ steps }: Plan, step: Step): step is Reload {
  const first = steps.findIndex((each) => each.do === 'reload')
  const at = steps.findIndex((each) => each.id === step.id)
  return step.do === 'reload' && at >= first && first >= 0 && !steps.slice(first, at).some((each) => each.do === 'publish')
}

/** Whether its new value lies in every store, so that whoever is reloaded from now on takes it. */
export function isPublished({ plan, direction, done }: Progress): boolean {
  const first = plan.steps.findIndex((step) => step.do === 'reload')
  const before = first < 0 ? plan.steps : plan.steps.slice(0, first)
  return direction === 'forward' && before.every((step) => step.do !== 'publish' || done.has(step.id))
}

/** Whether everybody holds the new value and is well with it: what is left are waits, and the end of the old one. */
export function isPresented({ plan, direction, done }: Progress): boolean {
  const last = plan.steps.findLastIndex((step) => step.phase === 'present' && step.do !== 'wait')
  const grace = plan.steps.findIndex((step) => step.do === 'wait' && step.why === 'grace')
  return direction === 'forward' && plan.steps.slice(0, grace < 0 ? last + 1 : grace).every((step) => done.has(step.id))
}

/** Whether it has reloaded this on the way forward, after its barrier. */
export function hasReloaded({ plan, done, serves }: Progress, key: string): boolean {
  return serves !== undefined && reloadsOf(plan).some((step) => reloadKey(plan, step) === key && done.has(step.id))
}

/** Whether it has reloaded, the first time, everything that the other uses as well. */
export function hasReloadedFor(progress: Progress, other: Plan): boolean {
  const keys = consumerKeys(other)
  return reloadsOf(progress.plan).filter((step) => isFirstRound(progress.plan, step)).every((step) => !keys.has(reloadKey(progress.plan, step)) || progress.done.has(step.id))
}

/** Whether it ended otherwise than done, or goes back. */
export function hasFailed({ closed, direction, turnRequested }: Progress): boolean {
  return closed === undefined ? direction === 'back' || turnRequested !== undefined : closed.result !== 'done'
}

/** Whether nobody has to wait for it: it is closed, goes back, or has stopped for a person while the others are to go on. */
export function isOut(progress: Progress): boolean {
  return progress.closed !== undefined || hasFailed(progress) || (progress.member?.keepGoing === true && progress.paused !== undefined && progress.asked === undefined)
}

/** Whether it may wait with its new value published: the old one is still accepted. */
export function mayWait({ plan }: Progress): boolean {
  return overlaps(plan)
}
