import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { answerChallenge, freshNonce, whichAnswers } from './challenge.ts'
import { ALNUM, generate } from './generate.ts'
import { Secret } from './secret.ts'

const value = (): Secret => new Secret(generate(ALNUM, 32))

/** HKDF by its two steps (RFC 5869), as somebody would write it in another language. */
function byHand(text: string, nonce: string): string {
  const extracted = createHmac('sha256', Buffer.alloc(32)).update(text).digest()
  const key = createHmac('sha256', extracted).update('keyturn/attest/v1\u0001').digest()
  return createHmac('sha256', key).update(nonce).digest('hex')
}

describe('the challenge', () => {
  it('is answered as the readme of the http connector describes it', () => {
    const [held, nonce] = [value(), freshNonce()]
    expect(answerChallenge(held, nonce)).toBe(byHand(held.reveal(), nonce))
  })

  it('tells new, old and neither apart', () => {
    const [next, old, nonce] = [value(), value(), freshNonce()]
    expect(whichAnswers(answerChallenge(next, nonce), nonce, next, old)).toBe('new')
    expect(whichAnswers(answerChallenge(old, nonce), nonce, next, old)).toBe('old')
    expect(whichAnswers(answerChallenge(old, nonce), nonce, next, undefined)).toBe('neither')
    expect(whichAnswers(answerChallenge(value(), nonce), nonce, next, old)).toBe('neither')
    for (const nonsense of ['', 'é'.repeat(64), '0'.repeat(64), next.reveal()]) {
      expect(whichAnswers(nonsense, nonce, next, old)).toBe('neither')
    }
  })

  it('takes no answer to another nonce', () => {
    const [next, first, second] = [value(), freshNonce(), freshNonce()]
    expect(first).not.toBe(second)
    expect(whichAnswers(answerChallenge(next, first), second, next, undefined)).toBe('neither')
  })
})
