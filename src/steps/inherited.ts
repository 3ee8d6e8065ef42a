import { inheritedKey } from '../journal/forgotten.ts'
import { nameOf } from '../journal/name.ts'
import { mayHave } from '../journal/steps.ts'
import type { Call, Evidence } from '../kit/index.ts'
import type { Inherited } from '../plan/plan.ts'
import { probeCredential } from './probe.ts'
import type { Scene } from './scene.ts'

/** What the acceptors say of the credentials that an emergency inherited. */
export interface InheritedVerdicts {
  /** A verdict for each, see `isDead`; and the endpoints' own words. */
  readonly evidence: Evidence
  /** Ids of those that are still on. */
  readonly alive: readonly string[]
  readonly silent: readonly string[]
}

/**
 * One whose value is known has to be rejected by every endpoint. Of one that is only known by its id the provider has to say that it
 * is not on any more; where the new credential has that id, its value was replaced.
 */
export async function inheritedVerdicts(scene: Scene, call: Call): Promise<InheritedVerdicts> {
  const evidence: Record<string, string | number | boolean> = {}
  const alive: string[] = []
  const silent: string[] = []
  for (const [index, inherited] of (scene.plan.emergency?.inherits ?? []).entries()) {
    const key = inheritedKey(index)
    const credential = inherited.name === undefined ? undefined : scene.values.inherited?.get(inherited.name)
    const seen = credential === undefined ? { verdict: await listed(scene, inherited, call), evidence: {}, silent: [] } : await probeCredential(scene, credential, key, call)
    Object.assign(evidence, seen.evidence, { [key]: seen.verdict })
    if (seen.verdict === 'accepted' || seen.verdict === 'mixed') alive.push(nameOf(inherited.id))
    if (seen.verdict === 'inconclusive') silent.push(seen.silent.join(', ') || `the list of ${scene.plan.issuer.use}`)
  }
  return { evidence, alive, silent }
}

async function listed(scene: Scene, { id }: Inherited, call: Call): Promise<'ended' | 'replaced' | 'accepted' | 'inconclusive'> {
  if (id === scene.values.new?.id && mayHave(scene.progress, 'mint')) return 'replaced'
  const seen = await scene.cast.issuer.observe(call)
  if (seen.is !== 'done') return 'inconclusive'
  const state = seen.value.known.find((known) => known.id === id)?.state
  if (state === 'on') return 'accepted'
  return state !== undefined || seen.value.complete ? 'ended' : 'inconclusive'
}
