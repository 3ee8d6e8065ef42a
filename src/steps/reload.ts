import { type Answer, type Call, done, type Evidence } from '../kit/index.ts'
import { spared } from '../journal/receivers.ts'
import type { Step } from '../plan/step.ts'
import { attestAll, type ConsumerStep, member } from './attest.ts'
import type { Scene } from './scene.ts'

/** Makes the consumer read its stores again. */
export async function reload(scene: Scene, step: Step & { readonly do: 'reload' }, call: Call): Promise<Answer<Evidence>> {
  const { consumer } = member(scene, step)
  const receivers = consumer.traits.receivers === true ? spared(scene.progress, step) : []
  const answer = await consumer.reload(call, step.pace, [...scene.progress.acknowledged.keys(), ...receivers])
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
