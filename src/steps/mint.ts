import { takesMade } from '../journal/steps.ts'
import { type Answer, type Call, type Credential, done, type Evidence, unknown } from '../kit/index.ts'
import type { Step, Which } from '../plan/step.ts'
import { isChosen, overlaps } from '../plan/steps.ts'
import { probeAll } from './probe.ts'
import { type Scene, valueOf } from './scene.ts'
import { keepSnapshot } from './snapshot.ts'
import { plainFields } from './values.ts'

/** Applies the value that was sealed before, takes the one that the provider makes, or starts the provider's own rotation. */
export async function mint(scene: Scene, step: Step & { readonly do: 'mint' }, tag: string, call: Call): Promise<Answer<{ readonly credential: Credential; readonly evidence: Evidence }>> {
  const credential = isChosen(scene.plan.traits) ? valueOf(scene, step.which) : scene.cast.issuer.propose(valueOf(scene, 'old'))
  // Where it ends the old one users wait from here on: what can be done before is.
  const kept = scene.values.new === undefined || step.which === 'old' ? done(undefined) : await keepSnapshot(scene, call)
  if (kept.is !== 'done') return kept
  const minted = await scene.cast.issuer.mint({ credential, tag }, call)
  if (takesMade(scene.plan, step) && minted.is === 'done' && isTheOld(scene, minted.value.credential)) return unknown('RESPONSE_UNFIT', 'the provider answered with the credential that is in use')
  return minted
}

/**
 * Whether what a provider brought is no new credential: to end the old one would be to end the one that is in use (I4). Side by side
 * two have two ids; of one slot another value is enough.
 */
export function isTheOld({ plan, values: { old } }: Scene, { id, fields }: Credential): boolean {
  if (old === undefined) return false
  if (overlaps(plan) && id === old.id) return true
  const plain = plainFields(plan.traits.fields)
  return Object.entries(fields).every(([name, value]) => plain.has(name) || value.equals(old.fields[name]))
}

/** Looks whether a mint of which no outcome is known happened: a chosen value is accepted, or it is not. */
export async function lookForMint(scene: Scene, step: { readonly which: Which }, call: Call): Promise<Answer<boolean>> {
  // A made value that did not arrive is lost, whether it exists or not: what it left is for `reclaim`. A trigger may be repeated.
  if (!isChosen(scene.plan.traits)) return done(false)
  // Applying a chosen value again ends in the same state, so where only consumers can tell it counts as not yet applied.
  if (scene.plan.traits.acceptor === 'consumers') return done(false)
  const { verdict, silent } = await probeAll(scene, step.which, call)
  if (verdict === 'accepted') return done(true)
  return verdict === 'inconclusive' ? unknown('UNREACHABLE', `no verdict from ${silent.join(', ')}`) : done(false)
}
