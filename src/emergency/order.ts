import type { Ms } from '../kit/index.ts'
import type { Emergency, Plan } from '../plan/plan.ts'
import type { Step } from '../plan/step.ts'
import { isDual, overlaps } from '../plan/steps.ts'

/** Looking at what was ended: see `seeEnded`. */
const LOOK_MS = 30_000

/**
 * The steps of a rotation in the order of an emergency: the same accept, present and forget, without grace, quiet, undo window and gates.
 * Forget first where what is in use can be ended by itself; where making the new one ends it (one slot) making comes first, and where the
 * provider makes it in its own time it is triggered at once, since ending what that may log in with would keep it from coming. A key that
 * only consumers check is forgotten by the publish that presents the new one and nothing beside it. `late` is how long an effect of a
 * rotation that was cut short may still land. Pure.
 */
export function emergencySteps(plan: Pick<Plan, 'steps' | 'strategy' | 'traits' | 'timing'>, order: Emergency['order'], late: Ms = 0): Step[] {
  const first = order === 'forget-first'
  // Who verifies has to have fetched the new key before it is presented, if nobody is to be refused.
  const of = (phase: Step['phase']): Step[] => plan.steps.filter((step) => step.phase === phase && (step.do !== 'wait' || (step.why === 'cache' && !first)))
  const { deadline } = plan.timing
  const issuer = plan.traits.acceptor === 'issuer'
  const see = (id: string): Step[] => (issuer ? [{ do: 'prove', rejected: 'old', id, phase: 'forget', deadline: LOOK_MS }] : [])
  const forget = (id: string): Step[] => [{ do: 'forget', effect: true, id, phase: 'forget', deadline }]
  const waitOut: Step[] = late > 0 ? [{ do: 'wait', why: 'late', for: late, id: 'late', phase: 'accept', deadline }] : []
  const pair: Step[] = issuer ? [{ do: 'prove', accepted: 'new', rejected: 'old', id: 'prove', phase: 'forget', deadline: LOOK_MS }] : []
  const [pre, accept, close] = [of('preflight'), of('accept'), of('close')]
  const present = first ? alone(of('present')) : of('present')
  if (isDual(plan)) return [...pre, ...waitOut, ...(first ? accept.filter((step) => step.do === 'mint') : [...accept, ...present]), ...lastRound(of('forget')), ...close]
  if (!overlaps(plan)) return [...pre, ...waitOut, ...accept, ...see('prove:ended'), ...present, ...pair, ...close]
  const ended = [...forget('forget'), ...see('prove:ended')]
  const checks = of('forget').filter((step) => step.do === 'check')
  if (!first) return [...pre, ...waitOut, ...accept, ...present, ...forget('forget'), ...pair, ...checks, ...close]
  if (plan.traits.mint === 'triggers') return [...pre, ...waitOut, ...accept, ...ended, ...present, ...pair, ...close]
  const again = late > 0 ? [...waitOut, ...forget('forget:late'), ...see('prove:late')] : []
  return [...ended, ...again, ...pre, ...accept, ...present, ...pair, ...close]
}

/** Where old and new have names of their own in a store: nobody waits for the round that shows both. */
function alone(present: readonly Step[]): readonly Step[] {
  const rounds = present.some((step) => step.do === 'publish' && step.beside === undefined)
  const isShared = (step: Step): boolean => (step.do === 'publish' || step.do === 'reload' || step.do === 'attest') && step.beside !== undefined
  return rounds ? present.filter((step) => !isShared(step)) : present
}

/** The round that presents the new key and nothing beside it. */
function lastRound(forget: readonly Step[]): Step[] {
  return forget.filter((step) => step.do !== 'gate' && step.do !== 'watch').map((step) => ({ ...step, phase: 'present' }))
}
