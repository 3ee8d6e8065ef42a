import { type Call, type Credential, done, type Evidence, refused } from '../../kit/index.ts'
import { stepOf } from '../progress.ts'
import type { Outcome, Scene } from '../scene.ts'
import { tagOf } from '../tag.ts'

/** The credential that the provider's own rotation brought; `held` while the provider is not finished. */
export async function collect(scene: Scene, call: Call): Promise<{ readonly outcome: Outcome; readonly credential?: Credential }> {
  const { cast, plan, progress, rotation } = scene
  if (cast.issuer.collect === undefined) return { outcome: refused('INTERNAL', 'this issuer starts a rotation and cannot collect what it brings') }
  const answer = await cast.issuer.collect(tagOf(rotation, plan, stepOf(plan, 'mint'), 1), call)
  if (answer.is !== 'done') return { outcome: answer }
  const { credential, evidence } = answer.value
  if (credential !== undefined) return { outcome: done(evidence), credential }
  const since = progress.done.get('mint')?.at ?? scene.now()
  const overdue = scene.now() - since > plan.timing.ready
  return { outcome: overdue ? refused('DEADLINE', `the provider has not finished its rotation for ${Math.round((scene.now() - since) / 1_000)} s`, stuck(evidence)) : { is: 'held', reasons: ['the provider has not finished its rotation'] } }
}

function stuck(evidence: Evidence): Evidence {
  return { ...evidence, stuck: true }
}
