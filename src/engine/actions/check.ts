import { type Answer, type Call, type Check, type Credential, done, type Evidence, refused, unknown } from '../../kit/index.ts'
import type { CheckSpec } from '../../manifest/model.ts'
import type { Which } from '../../plan/step.ts'
import { type Scene, valueOf } from '../scene.ts'
import { tellApart } from './probe.ts'

/** How often a red check is looked at again. */
export const LOOK_AGAIN_MS = 250

/** One check of the plan, looked at until it passes or its time is over. */
export async function check(scene: Scene, step: { readonly list: 'secret' | 'postflight'; readonly index: number; readonly which: Which }, call: Call): Promise<Answer<Evidence>> {
  const list = step.list === 'secret' ? scene.cast.checks : scene.cast.postflight
  const specs = step.list === 'secret' ? scene.plan.checks : scene.plan.postflight
  const found = list[step.index]
  const spec = specs[step.index]
  if (found === undefined || spec === undefined) return refused('INTERNAL', 'no such check')
  const answer = await untilPass(scene, found, call, credentialFor(spec, valueOf(scene, step.which)))
  if (answer.is !== 'refused') return answer
  const fresh = { ...call, signal: AbortSignal.timeout(5_000), deadline: scene.now() + 5_000 }
  return { ...answer, evidence: { ...answer.evidence, ...(await tellApart(scene, fresh)) } }
}

/** The credential that a check is run with, if it takes one. */
export function credentialFor(spec: CheckSpec, credential: Credential): Credential | undefined {
  return spec.as === undefined ? undefined : credential
}

/** Looks again and again until it passes; what it said last when the time is over. */
export async function untilPass(scene: Pick<Scene, 'sleep'>, subject: Check, call: Call, as?: Credential): Promise<Answer<Evidence>> {
  let last: Answer<Evidence> = unknown('DEADLINE', subject.title())
  while (!call.signal.aborted) {
    const seen = await subject.run(call, as)
    if (seen.is === 'done' && seen.value.verdict === 'pass') return done(seen.value.evidence)
    if (!call.signal.aborted || last.is === 'unknown') {
      last = seen.is === 'done' ? refused('CHECK_FAILED', subject.title(), { verdict: seen.value.verdict, ...seen.value.evidence }) : seen.is === 'ask' ? seen : { ...seen, is: 'refused', about: `${subject.title()}${seen.about === undefined ? '' : `: ${seen.about}`}` }
    }
    await scene.sleep(LOOK_AGAIN_MS, call.signal)
  }
  return last
}
