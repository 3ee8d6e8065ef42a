import { type Answer, type Call, type Check, type Credential, done, refused } from '../kit/index.ts'
import type { Scene } from './scene.ts'

/** How long it waits after a look that brought no verdict. */
const LOOK_AGAIN_MS = 250

/** So many wrong logins a check may make: they count towards a lockout. */
export const WRONG_TRIES = 3

/** A verdict of `fail` with a wrong credential, and nothing less: one that could not look has not shown that it can fail. */
export async function failsWithWrong(scene: Scene, check: Check, old: Credential, call: Call): Promise<Answer<void>> {
  const wrong = scene.cast.issuer.propose(old)
  for (let left = WRONG_TRIES; left > 0 && !call.signal.aborted; left -= 1) {
    const seen = await check.run(call, wrong)
    if (seen.is === 'ask') return refused('CHECK_CANNOT_FAIL', `${check.title()}: a person is shown no credential`)
    const verdict = seen.is === 'done' ? seen.value.verdict : 'inconclusive'
    if (verdict === 'fail') return done(undefined)
    if (verdict === 'pass') return refused('CHECK_CANNOT_FAIL', check.title())
    await scene.sleep(LOOK_AGAIN_MS, call.signal)
  }
  return refused('PRECONDITION_FAILED', `${check.title()} gave no verdict on a wrong credential`)
}
