import { type Answer, type Call, done, type Evidence, refused, unknown } from '../kit/index.ts'
import type { Which } from '../plan/step.ts'
import { inheritedVerdicts } from './inherited.ts'
import { probeAll, triesOf } from './probe.ts'
import type { Scene } from './scene.ts'
import { proveByChecks } from './token-proof.ts'

/** A pair of probes has to fall into the same minute to be a pair. */
const PAIR_MS = 60_000

/**
 * The proof, in pairs: the same request, the same minute, one accepted and the other rejected in the server's own words, at
 * every endpoint. That the same probe accepted the old one in preflight is what makes its rejection mean something.
 */
export async function prove(scene: Scene, step: { readonly accepted: Which; readonly rejected: Which }, call: Call): Promise<Answer<Evidence>> {
  if (scene.plan.traits.acceptor !== 'issuer') return proveByChecks(scene, step.accepted, step.rejected, call)
  const from = scene.now()
  const kept = await probeAll(scene, step.accepted, call)
  const ended = await probeAll(scene, step.rejected, call)
  const others = await inheritedVerdicts(scene, call)
  const evidence = { ...kept.evidence, ...ended.evidence, ...others.evidence, [step.accepted]: kept.verdict, [step.rejected]: ended.verdict, from, to: scene.now() }
  if (kept.verdict === 'rejected' || kept.verdict === 'mixed') return refused('CREDENTIAL_REJECTED', `the ${step.accepted} credential`, evidence)
  if (ended.verdict === 'accepted' || ended.verdict === 'mixed') return refused('OLD_STILL_ON', `the ${step.rejected} credential`, evidence)
  if (others.alive.length > 0) return refused('OLD_STILL_ON', others.alive.join(', '), evidence)
  const silent = [...new Set([...kept.silent, ...ended.silent, ...others.silent])]
  if (silent.length > 0) return unknown('UNREACHABLE', `no verdict from ${silent.join(', ')}`, evidence)
  return scene.now() - from > PAIR_MS ? unknown('DEADLINE', 'the pair took longer than a minute', evidence) : done(evidence)
}

/** How often it is looked again whether what was ended is refused by now. */
const LOOK_AGAIN_MS = 250

/** Beside the settling time of the issuer. */
const MARGIN_MS = 2_000

/**
 * Looks whether what an emergency ended is rejected, so that it is known from when on. Nothing is held up by it for longer than the
 * issuer takes to settle, whatever it sees: consumers wait for the new credential. The pair that has to be shown comes at the end.
 */
export async function seeEnded(scene: Scene, call: Call): Promise<Answer<Evidence>> {
  const until = Math.min(call.deadline, scene.now() + scene.plan.traits.settle + MARGIN_MS)
  for (let tries = triesOf(scene); ; tries -= 1) {
    const old = await probeAll(scene, 'old', call)
    const others = await inheritedVerdicts(scene, call)
    const alive = old.verdict === 'accepted' || old.verdict === 'mixed' || others.alive.length > 0
    if (!alive || tries <= 1 || scene.now() >= until || call.signal.aborted) return done({ ...old.evidence, ...others.evidence, old: old.verdict })
    await scene.sleep(LOOK_AGAIN_MS, call.signal)
  }
}
