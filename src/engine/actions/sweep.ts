import { type Answer, type Call, done, type Evidence, refused } from '../../kit/index.ts'
import type { Scene } from '../scene.ts'

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
  const strangers = seen.value.known.filter((known) => known.state === 'on' && !ours.has(known.id))
  if (strangers.length > 0) return refused('PRINCIPAL_IN_USE', `the journal does not know ${strangers.map((each) => each.id).join(', ')}`)
  return done({ known: seen.value.known.length })
}
