import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Secret } from './secret.ts'

/** Binds the key to attestation, so that an answer can never serve as a token or a signature somewhere else. */
const INFO = 'keyturn/attest/v1'

/** A fresh question, 64 hexadecimal digits. One per instance and look, so that no answer can be kept and shown again. */
export function freshNonce(): string {
  return randomBytes(32).toString('hex')
}

/**
 * What a holder of the value answers to a nonce, 64 lower-case hexadecimal digits:
 *
 *     key    = HKDF-SHA256(value as UTF-8, salt empty, info "keyturn/attest/v1", 32 bytes)    (RFC 5869)
 *     answer = HMAC-SHA256(key, nonce as UTF-8)                                               (RFC 2104)
 *
 * The value cannot be learned from answers as long as it is random; one that a person thought up can be guessed from them.
 */
export function answerChallenge(value: Secret, nonce: string): string {
  const key = Buffer.from(hkdfSync('sha256', value.reveal(), '', INFO, 32))
  return createHmac('sha256', key).update(nonce, 'utf8').digest('hex')
}

/** Whose answer this is. All comparisons are made, each in constant time. When both values are the same text it is `new`. */
export function whichAnswers(answer: string, nonce: string, next: Secret, old: Secret | undefined): 'new' | 'old' | 'neither' {
  const isNew = isAnswer(answer, next, nonce)
  const isOld = old !== undefined && isAnswer(answer, old, nonce)
  if (isNew) return 'new'
  return isOld ? 'old' : 'neither'
}

function isAnswer(answer: string, value: Secret, nonce: string): boolean {
  const given = Buffer.from(answer.toLowerCase())
  const right = Buffer.from(answerChallenge(value, nonce))
  return given.length === right.length && timingSafeEqual(given, right)
}
