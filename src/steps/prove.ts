import { type Answer, type Call, done, type Evidence, refused, unknown } from '../kit/index.ts'
import type { Which } from '../plan/step.ts'
import { probeAll } from './probe.ts'
import type { Scene } from './scene.ts'

/** A pair of probes has to fall into the same minute to be a pair. */
const PAIR_MS = 60_000

/**
 * The proof, in pairs: the same request, the same minute, one accepted and the other rejected in the server's own words, at
 * every endpoint. That the same probe accepted the old one in preflight is what makes its rejection mean something.
 */
export async function prove(scene: Scene, step: { readonly accepted: Which; readonly rejected: Which }, call: Call): Promise<Answer<Evidence>> {
  const from = scene.now()
  const kept = await probeAll(scene, step.accepted, call)
  const ended = await probeAll(scene, step.rejected, call)
  const evidence = { ...kept.evidence, ...ended.evidence, [step.accepted]: kept.verdict, [step.rejected]: ended.verdict, from, to: scene.now() }
  if (kept.verdict === 'rejected' || kept.verdict === 'mixed') return refused('CREDENTIAL_REJECTED', `the ${step.accepted} credential`, evidence)
  if (ended.verdict === 'accepted' || ended.verdict === 'mixed') return refused('OLD_STILL_ON', `the ${step.rejected} credential`, evidence)
  const silent = [...new Set([...kept.silent, ...ended.silent])]
  if (silent.length > 0) return unknown('UNREACHABLE', `no verdict from ${silent.join(', ')}`, evidence)
  return scene.now() - from > PAIR_MS ? unknown('DEADLINE', 'the pair took longer than a minute', evidence) : done(evidence)
}
