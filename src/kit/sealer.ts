import type { Answer } from './answer.ts'
import type { Call } from './call.ts'

/**
 * Seals values for the time that they lie in the state: only the holder of a key that is not in the state opens them again. What is
 * sealed is bound to a context, so that it cannot be moved to another place, and it is authenticated: what others made, or changed
 * in one bit, does not open.
 *
 * Nothing in it says where the key is. The one that keyturn brings works with age and an identity file. One that asks a service fits
 * as well: the context is the `associated_data` of Vault Transit's encrypt
 * (https://developer.hashicorp.com/vault/api-docs/secret/transit#encrypt-data), and an entry of the encryption context of AWS KMS
 * (https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html), which takes 4096 bytes at most and so seals a key of its
 * own, under which the value lies. Both write the context into their logs.
 *
 * Every method may be repeated, by any process. No method throws for what the outside does; it answers.
 */
export interface Sealer {
  /** Its kind, e.g. `age`: lower-case letters, digits and `-`. Written beside what it sealed, so that the right one opens it. */
  readonly id: string
  /** The public name of the key: an age recipient, the path or the ARN of a key. Written beside it too; says nothing secret. */
  readonly recipient: string
  /** Seals bytes of any length, to others each time. The context is no secret. */
  seal(plain: Uint8Array, context: string, call: Pick<Call, 'signal'>): Promise<Answer<Uint8Array>>
  /**
   * Opens it again. `refused` SEAL_BROKEN when the bytes were changed, belong to another context or were not sealed to this key;
   * nothing of them is told. `unknown` and other refusals when a service could not be asked, which says nothing about the bytes.
   */
  unseal(sealed: Uint8Array, context: string, call: Pick<Call, 'signal'>): Promise<Answer<Uint8Array>>
}
