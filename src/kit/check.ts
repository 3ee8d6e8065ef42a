import type { Answer, Evidence } from './answer.ts'
import type { Call } from './call.ts'
import type { Credential } from './issuer.ts'

/** What a check saw. `inconclusive` is neither: it could not look. */
export interface CheckResult {
  readonly verdict: 'pass' | 'fail' | 'inconclusive'
  /** Numbers and labels: a status, a length, which expectation did not hold. */
  readonly evidence: Evidence
}

/**
 * A test of the outside. One that cannot take a credential is health, never proof (I12). A single look: the engine looks again
 * until the step's deadline.
 */
export interface Check {
  readonly traits: { readonly takesCredential: boolean }
  /** For plans and messages. */
  title(): string
  run(call: Call, as?: Credential): Promise<Answer<CheckResult>>
}
