import { type Call, type Credential, done, type Evidence, refused } from '../kit/index.ts'
import { stepOf } from '../journal/steps.ts'
import type { Outcome, Scene } from './scene.ts'
import { tagOf } from '../journal/tag.ts'
import { isTheOld } from './mint.ts'

/**
 * The credential that the provider's own rotation brought; `held` while the provider is not finished, refused when that takes longer
 * than a consumer may. On the way back a rotation that the provider never began has brought nothing.
 */
export async function collect(scene: Scene, call: Call): Promise<{ readonly outcome: Outcome; readonly credential?: Credential }> {
  const { cast, plan, progress, rotation } = scene
  if (cast.issuer.collect === undefined) return { outcome: refused('INTERNAL', 'this issuer starts a rotation and cannot collect what it brings') }
  const answer = await cast.issuer.collect(tagOf(rotation, plan, stepOf(plan, 'mint'), 1), call)
  const unheardOf = answer.is === 'refused' && answer.code === 'PRINCIPAL_MISSING'
  if (unheardOf && progress.direction === 'back') return { outcome: done({ brought: false }) }
  if (answer.is !== 'done' && !unheardOf) return { outcome: answer }
  const { credential, evidence } = answer.is === 'done' ? answer.value : { evidence: {}, credential: undefined }
  // The one that is in use is what a provider shows that has not come far enough.
  if (credential !== undefined && !isTheOld(scene, credential)) return { outcome: done(evidence), credential }
  return { outcome: pending(scene, evidence) }
}

function pending({ plan, progress, now }: Scene, evidence: Evidence): Outcome {
  const ms = now() - (progress.done.get('mint')?.at ?? now())
  if (ms <= plan.timing.ready) return { is: 'held', reasons: ['the provider has not finished its rotation'] }
  return refused('DEADLINE', `the provider has not finished its rotation for ${Math.round(ms / 1_000)} s`, evidence)
}
