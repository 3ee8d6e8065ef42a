import { type Answer, type Call, done, type Evidence, type Known, refused } from '../kit/index.ts'
import { isKnown } from '../journal/steps.ts'
import type { Scene } from './scene.ts'
import { isTagOf } from '../journal/tag.ts'

/** Under this key the sweep writes down when the credential in use expires, unix ms. */
export const EXPIRES = 'expires'

/** Before the receipt: nothing of ours is left at the issuer that the journal does not know, and nothing beside a store. */
export async function sweep(scene: Scene, call: Call): Promise<Answer<Evidence>> {
  for (const store of scene.cast.stores) {
    const tidied = await store.tidy(call)
    if (tidied.is !== 'done') return tidied
  }
  const seen = await scene.cast.issuer.observe(call)
  if (seen.is !== 'done') return seen
  // The plan's too: a rotation that was aborted before its preflight holds no value yet.
  const ours = new Set([scene.values.new?.id, scene.values.old?.id, scene.plan.current?.id, scene.plan.next?.id])
  // A pair is ours alone. Others make keys beside ours: by the tag it is seen which ones nobody but us made.
  const stray = (known: Known): boolean => scene.plan.strategy === 'alternate' || (scene.plan.traits.locate === 'tag' && isTagOf(scene.rotation, known.tag))
  const strangers = seen.value.known.filter((known) => known.state === 'on' && !ours.has(known.id) && stray(known))
  if (strangers.length > 0) return refused('PRINCIPAL_IN_USE', `the journal does not know ${strangers.map((each) => each.id).join(', ')}`)
  // Proven dead before, and on again: somebody, or an owner that was taken over, came late. No receipt says that it is dead.
  const forward = scene.progress.direction === 'forward'
  const ended = scene.values[forward ? 'old' : 'new']?.id
  // A mint that was refused made nothing: what has that name is somebody else's.
  const made = forward || isKnown(scene.progress)
  const revived = made && seen.value.known.find((known) => known.id === ended)?.state === 'on' && scene.plan.traits.ends.length > 0
  if (revived) return refused('OLD_STILL_ON', `${ended} was turned on again`)
  // Some providers say when the credential in use ends by itself.
  const expires = seen.value.known.find((known) => known.id === scene.values[forward ? 'new' : 'old']?.id)?.expiresAt
  return done({ known: seen.value.known.length, ...(expires === undefined ? {} : { [EXPIRES]: expires }) })
}
