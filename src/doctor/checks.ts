import type { Answer, Check, Credential } from '../kit/index.ts'
import type { CheckSpec } from '../manifest/model.ts'
import { failsWithWrong, WRONG_TRIES } from '../steps/self-test.ts'
import type { Scene } from '../steps/scene.ts'
import { finding, fine, type Found, notice, unanswered } from './finding.ts'
import type { Look } from './look.ts'

/** A check as the manifest has it, opened. */
export interface OpenCheck {
  readonly spec: CheckSpec
  readonly check: Check
}

/** No check of a system that is well takes longer than this in the preflight of a rotation either. */
const CHECK_MS = 5_000

/** One look at a check: whether it is green now. What is red only afterwards (`verdict`) does not keep a rotation from beginning. */
export async function examineCheck({ spec, check }: OpenCheck, look: Look, verdict: 'warning' | 'problem', as?: Credential): Promise<Found> {
  const title = check.title()
  const seen = await look((call) => check.run(call, as), Math.min(spec.within, CHECK_MS))
  if (seen.is === 'ask') return notice('check', title, 'a person is asked, in each rotation')
  if (seen.is !== 'done') return unanswered(verdict, 'check', title, seen)
  if (seen.value.verdict === 'pass') return fine('check', title, 'passes')
  const unmet = Object.entries(seen.value.evidence).map(([name, value]) => `${name} ${String(value)}`)
  return finding(verdict, 'check', title, verdict === 'problem' ? 'PRECONDITION_FAILED' : 'CHECK_FAILED', [seen.value.verdict, ...unmet].join(', '))
}

/**
 * Whether a check that takes a credential can fail: it has to, with a wrong one, before its word counts (I12). Not tried when that
 * could lock the account: `budget` is how many wrong logins are left. Answers how many it may have used.
 */
export async function examineSelfTest(scene: Scene, { spec, check }: OpenCheck, old: Credential, budget: number, look: Look): Promise<{ readonly found: Found; readonly used: number }> {
  const title = check.title()
  if (budget < WRONG_TRIES) return { used: 0, found: notice('check', title, 'it was not tried with a wrong credential: so many wrong logins could lock the account') }
  const failed: Answer<void> = await look((call) => failsWithWrong(scene, check, old, call), Math.min(spec.within, CHECK_MS))
  const found = failed.is === 'done' ? fine('check', title, 'fails with a wrong credential, as it has to') : unanswered('problem', 'check', title, failed)
  return { used: WRONG_TRIES, found }
}
