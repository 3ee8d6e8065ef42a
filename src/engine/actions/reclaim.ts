import { type Answer, ask, type Call, done, type Evidence, type Known, label, type TaskRequest, unknown } from '../../kit/index.ts'
import type { Scene } from '../scene.ts'
import { isTagOf } from '../tag.ts'

/** Under this key preflight writes down which ids there were before, where that is how a lost mint is found. */
export function baselineKey(id: string): string {
  return `there before: ${label(id)}`
}

/**
 * A mint whose answer was lost may have made a credential that nobody holds. By its tag it is certainly ours, and ended. An id that
 * was not there before is only a suspect, and where nothing can be listed there is not even that: a person looks (I3, I5).
 */
export async function reclaim(scene: Scene, call: Call): Promise<Answer<Evidence>> {
  const { traits } = scene.plan
  if (traits.locate === 'none') return ask(lookByHand(scene))
  const found = await leftovers(scene, call)
  if (found.is !== 'done') return found
  if (found.value.length === 0) return done({ reclaimed: 0 })
  if (traits.locate === 'baseline') return ask(judgeSuspects(found.value))
  for (const { id } of found.value) {
    const ended = await scene.cast.issuer.set(id, 'gone', call)
    if (ended.is !== 'done') return ended
  }
  return done({ reclaimed: found.value.length })
}

/** Whether nothing is left to reclaim. */
export async function lookForReclaim(scene: Scene, call: Call): Promise<Answer<boolean>> {
  if (scene.plan.traits.locate !== 'tag') return done(false)
  const found = await leftovers(scene, call)
  return found.is === 'done' ? done(found.value.length === 0) : found
}

/** What lost mints of this rotation left, or may have left: everything but the credential that the rotation goes on with. */
export async function leftovers(scene: Scene, call: Call): Promise<Answer<readonly Known[]>> {
  const seen = await scene.cast.issuer.observe(call)
  if (seen.is !== 'done') return seen
  if (!seen.value.complete) return unknown('SERVER_ERROR', 'the issuer does not list all of its credentials')
  const { rotation, values, progress, plan } = scene
  const before = progress.done.get('preflight')?.evidence ?? {}
  const ours = new Set([values.new?.id, values.old?.id])
  const others = seen.value.known.filter((known) => known.state !== 'gone' && !ours.has(known.id))
  return done(others.filter((known) => (plan.traits.locate === 'tag' ? isTagOf(rotation, known.tag) : !(baselineKey(known.id) in before))))
}

function judgeSuspects(suspects: readonly Known[]): TaskRequest {
  const names = suspects.map(({ id }) => label(id)).join(', ')
  return {
    kind: 'confirm',
    title: `Find out whether ${names} was made by a lost request of this rotation, and end it if so`,
    steps: [
      'A request for a new credential got no answer, and since then there is one that was not there before.',
      `Look at the provider who made ${names}, and when.`,
      'End it there if nobody else did. keyturn does not: it only knows that it is new.',
      'Then answer this task; keyturn asks for another credential.',
    ],
  }
}

function lookByHand(scene: Scene): TaskRequest {
  return {
    kind: 'confirm',
    title: `Find out whether a lost request made a credential for ${scene.plan.secret}, and end it if so`,
    steps: [
      'A request for a new credential got no answer, and this provider cannot be asked what exists.',
      'Look at the provider for one that was made in the last minutes and that nobody holds; end it there.',
      'Then answer this task; keyturn asks for another credential.',
    ],
  }
}
