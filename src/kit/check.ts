import type { Answer, Evidence } from './answer.ts'
import type { Call } from './call.ts'
import type { Credential } from './issuer.ts'

/** What a check saw. `inconclusive` is neither: it could not look. */
export interface CheckResult {
  readonly verdict: 'pass' | 'fail' | 'inconclusive'
  /** Numbers and labels: a status, a length, which expectation did not hold. */
  readonly evidence: Evidence
  /** With `fail`: looking again cannot change it, as a line that was written stays written. The engine then looks no more. */
  readonly final?: true
}

/** What a check may compare with: how it was before the rotation changed anything. */
export interface Since {
  /** When the first change became visible to consumers, unix ms: what a log says before it is not about the new value. */
  readonly at: number
  /** What this same check saw in preflight. */
  readonly before: Evidence
}

/**
 * A test of the outside. One that cannot take a credential is health, never proof (I12). A single look: the engine looks again
 * until the step's deadline.
 */
export interface Check {
  readonly traits: {
    readonly takesCredential: boolean
    /** It compares with `before`; one under `postflight` is then looked at in preflight too, where its verdict does not count. */
    readonly compares?: boolean
    /** Only a person can tell: `run` answers `ask`. Before anything is changed that is asked under `preflight` only. */
    readonly asks?: true
  }
  /** For plans and messages. */
  title(): string
  /** `since` is absent in preflight, where what is seen becomes the `before` of later runs. */
  run(call: Call, as?: Credential, since?: Since): Promise<Answer<CheckResult>>
}
