import { type Answer, type Call, done, type Evidence, refused, unknown } from '../kit/index.ts'
import type { Which } from '../plan/step.ts'
import { credentialFor, LOOK_AGAIN_MS } from './check.ts'
import { type Scene, valueOf } from './scene.ts'

/**
 * The proof where no issuer could tell: the checks of the secret that take a credential, each with the one that stays and with the other,
 * right after each other. That each failed with a wrong one in preflight is what makes a fail mean something (I8, I12).
 */
export async function proveByChecks(scene: Scene, accepted: Which | undefined, rejected: Which, call: Call): Promise<Answer<Evidence>> {
  const evidence: Record<string, string> = {}
  for (const [index, check] of scene.cast.checks.entries()) {
    const spec = scene.plan.checks[index]
    if (spec?.as === undefined) continue
    for (const which of [...(accepted === undefined ? [] : [accepted]), rejected]) {
      const verdict = await verdictOf(scene, index, which, call)
      if (verdict === undefined) return unknown('UNREACHABLE', `no verdict from ${check.title()}`, evidence)
      evidence[which] = verdict
      evidence[`${which} at check:${index}`] = verdict
      if (which === rejected && verdict === 'accepted') return refused('OLD_STILL_ON', `${check.title()} accepts what the ${which} key signed`, evidence)
      if (which !== rejected && verdict === 'rejected') return refused('CREDENTIAL_REJECTED', `${check.title()} rejects what the ${which} key signed`, evidence)
    }
  }
  return done(evidence)
}

/** Looked at again while it says nothing, until the deadline. */
async function verdictOf(scene: Scene, index: number, which: Which, call: Call): Promise<'accepted' | 'rejected' | undefined> {
  const [check, spec] = [scene.cast.checks[index], scene.plan.checks[index]]
  if (check === undefined || spec === undefined) return undefined
  while (!call.signal.aborted) {
    const seen = await check.run(call, credentialFor(spec, valueOf(scene, which)))
    if (seen.is === 'done' && seen.value.verdict !== 'inconclusive') return seen.value.verdict === 'pass' ? 'accepted' : 'rejected'
    if (seen.is === 'ask' || call.deadline - scene.now() <= LOOK_AGAIN_MS * 2) return undefined
    await scene.sleep(LOOK_AGAIN_MS, call.signal)
  }
  return undefined
}
