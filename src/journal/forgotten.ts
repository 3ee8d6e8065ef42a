import type { Evidence } from '../kit/index.ts'
import type { Progress } from './progress.ts'
import { stepOf } from './steps.ts'

/** In the evidence of the step that forgets, before the name of each credential of the plan that it ended. */
export const ENDED = 'ended '

/** Before those that lost mints of superseded rotations made, found by their tags. */
export const ENDED_BY_TAG = 'tagged '

/** Under this name an inherited credential is sealed, and under this key its verdict stands in a proof. */
export function inheritedKey(index: number): string {
  return `also:${index}`
}

/**
 * Whether a verdict says that an inherited credential is dead: `rejected` by every endpoint; `ended` where its value is not known and the
 * provider lists it as no longer on; `replaced` where the new one has its id, so that its own value is no more.
 */
export function isDead(verdict: Evidence[string] | undefined): boolean {
  return verdict === 'rejected' || verdict === 'ended' || verdict === 'replaced'
}

/** What an emergency has proven by now: from the decision to the first proof that everything live was rejected. */
export interface Exposure {
  /** Unix ms, both; `until` is absent as long as it is not proven. */
  readonly from: number
  readonly until?: number
}

/**
 * How long the compromised credentials could be used, counted from the decision; undefined for what is no emergency. Where nobody but
 * consumers accept a value it is dead when the last of them has proven that it holds the new one.
 */
export function exposureOf({ plan, done }: Pick<Progress, 'plan' | 'done'>): Exposure | undefined {
  const { emergency } = plan
  if (emergency === undefined) return undefined
  if (plan.traits.acceptor === 'consumers') {
    const attests = plan.steps.filter((step) => step.do === 'attest').map((step) => done.get(step.id)?.at)
    const known = attests.flatMap((at) => at ?? [])
    return { from: emergency.decidedAt, ...(known.length === 0 || known.length < attests.length ? {} : { until: Math.max(...known) }) }
  }
  const keys = ['old', ...emergency.inherits.map((_inherited, index) => inheritedKey(index))]
  const proofs = [...done].filter(([id, { evidence }]) => stepOf(plan, id).do === 'prove' && keys.every((key) => isDead(evidence[key])))
  const until = proofs.map(([, { at }]) => at).sort((a, b) => a - b)[0]
  return { from: emergency.decidedAt, ...(until === undefined ? {} : { until }) }
}
