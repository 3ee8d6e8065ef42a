import { type Answer, type Call, type Check, type Credential, done, type Evidence, refused, type Since, unknown } from '../kit/index.ts'
import type { CheckSpec } from '../manifest/model.ts'
import type { Which } from '../plan/step.ts'
import { tellApart } from './probe.ts'
import { failsWithWrong } from './self-test.ts'
import { type Scene, valueOf } from './scene.ts'
import { type CheckPlace, sinceOf, specOf } from './since.ts'

/** How often a red check is looked at again, and a green one that has to stay so. */
export const LOOK_AGAIN_MS = 250
const STILL_GREEN_MS = 5_000

/** How a check is looked at. */
interface Look {
  readonly as?: Credential | undefined
  readonly since?: Since
  /** Passing counts from then on, unix ms. */
  readonly from?: number
}

/** One check of the plan, looked at until it passes or its time is over. */
export async function check(scene: Scene, step: CheckPlace & { readonly which: Which }, call: Call): Promise<Answer<Evidence>> {
  const list = step.list === 'secret' ? scene.cast.checks : scene.cast.postflight
  const found = list[step.index]
  const spec = specOf(scene.plan, step)
  if (found === undefined || spec === undefined) return refused('INTERNAL', 'no such check')
  const since = sinceOf(scene.progress, step)
  const as = credentialFor(spec, valueOf(scene, step.which))
  // In an emergency nothing was looked at before: it has to fail with a wrong credential now (I12).
  if (as !== undefined && scene.plan.emergency !== undefined) {
    const wrong = await failsWithWrong(scene, found, as, call)
    if (wrong.is !== 'done') return wrong
  }
  const answer = await untilPass(scene, found, call, { as, since, from: since.at + (spec.for ?? 0) })
  if (answer.is !== 'refused') return answer
  const fresh = { ...call, signal: AbortSignal.timeout(5_000), deadline: scene.now() + 5_000 }
  return { ...answer, evidence: { ...answer.evidence, ...(await tellApart(scene, fresh)) } }
}

/** The credential that a check is run with, if it takes one. */
export function credentialFor(spec: CheckSpec, credential: Credential): Credential | undefined {
  return spec.as === undefined ? undefined : credential
}

/** Looks again and again until it passes; what it said last when the time is over, or when nothing can change it any more. */
export async function untilPass(scene: Pick<Scene, 'now' | 'sleep'>, subject: Check, call: Call, { as, since, from = 0 }: Look = {}): Promise<Answer<Evidence>> {
  let last: Answer<Evidence> = unknown('DEADLINE', subject.title())
  while (!call.signal.aborted) {
    const seen = await subject.run(call, as, since)
    if (seen.is === 'done' && seen.value.verdict === 'pass') {
      const early = from - scene.now()
      if (early <= 0) return done(seen.value.evidence)
      last = unknown('DEADLINE', subject.title())
      await scene.sleep(Math.min(early, STILL_GREEN_MS), call.signal)
      continue
    }
    // Asking again would bring nothing else.
    if (seen.is === 'ask') return seen
    if (!call.signal.aborted || last.is === 'unknown') {
      last = seen.is === 'done' ? refused('CHECK_FAILED', subject.title(), { verdict: seen.value.verdict, ...seen.value.evidence }) : { ...seen, is: 'refused', about: `${subject.title()}${seen.about === undefined ? '' : `: ${seen.about}`}` }
    }
    if (seen.is === 'done' && seen.value.final === true) break
    await scene.sleep(LOOK_AGAIN_MS, call.signal)
  }
  return last
}
