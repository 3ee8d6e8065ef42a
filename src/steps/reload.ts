import { type Answer, type Call, done, type Evidence, type Pace } from '../kit/index.ts'
import { attestAll, type ConsumerStep, member } from './attest.ts'
import type { Scene } from './scene.ts'

/** Makes the consumer read its stores again. */
export async function reload(scene: Scene, step: ConsumerStep & { readonly pace?: Pace }, call: Call): Promise<Answer<Evidence>> {
  const answer = await member(scene, step).consumer.reload(call, step.pace, [...scene.progress.acknowledged.keys()])
  return answer.is === 'done' ? done(answer.value.evidence) : answer
}

/**
 * A reload of which no outcome is known happened when every instance proves that it holds the value; if not, or if it can only be
 * inferred, reloading again does no harm.
 */
export async function lookForReload(scene: Scene, step: ConsumerStep, call: Call): Promise<Answer<boolean>> {
  const seen = await attestAll(scene, step, call)
  return seen.is === 'done' ? done(seen.value.missing.length === 0 && !seen.value.inferred) : seen
}
