import { type Answer, ask, type Call, done, type Evidence, type TaskRequest } from '../kit/index.ts'
import { spared } from '../journal/receivers.ts'
import type { Step } from '../plan/step.ts'
import { isDual } from '../plan/steps.ts'
import { attestAll, type ConsumerStep, member } from './attest.ts'
import type { Scene } from './scene.ts'

/** Makes the consumer read its stores again. */
export async function reload(scene: Scene, step: Step & { readonly do: 'reload' }, call: Call): Promise<Answer<Evidence>> {
  const { consumer } = member(scene, step)
  const receivers = consumer.traits.receivers === true ? spared(scene.progress, step) : []
  const answer = await consumer.reload(call, step.pace, [...scene.progress.acknowledged.keys(), ...receivers])
  if (answer.is === 'ask' && answer.task.receivers !== undefined && isDual(scene.plan)) return ask(roundOf(step, answer.task, answer.task.receivers.join(', ')))
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

/** Of two keys one comes before the other goes: what that means for who checks what we sign. */
function roundOf({ which, beside }: Step & { readonly do: 'reload' }, task: TaskRequest, names: string): TaskRequest {
  if (beside !== undefined) return { ...task, steps: ['Whoever takes it accepts it beside the one that it has, and takes none away: both are in use for a while.', ...task.steps] }
  const goes = which === 'new' ? 'old' : 'new'
  return { ...task, title: `Have the ${goes} value taken away at ${names}`, steps: [`The ${goes} one signs nothing any more. They have the other one already: nothing has to be handed over.`, ...names.split(', ').map((name) => `${name}: answer for it when the ${goes} one is refused there.`)] }
}
