import { timingSafeEqual } from 'node:crypto'
import { done, refused } from '../kit/answer.ts'
import type { Sealer } from '../kit/sealer.ts'
import type { Identity } from './identity.ts'

/** A code of 256 bits in hex, before the age file. */
const CODE = 64

/**
 * Seals to the identity's recipient with age. An age file alone proves nothing about who made it, for the recipient is public; so a
 * code that only the identity's holder can make stands before it, over the context and the file. Where the context ends cannot be
 * moved: an age file begins with a line of its own.
 */
export function ageSealer(identity: Pick<Identity, 'recipient' | 'secretKey' | 'mac'>): Sealer {
  const codeOf = (context: string, file: Uint8Array): Buffer => Buffer.from(identity.mac(Buffer.concat([Buffer.from(context), file])))
  return {
    id: 'age',
    recipient: identity.recipient,
    async seal(plain, context) {
      const { Encrypter } = await import('age-encryption')
      const encrypter = new Encrypter()
      encrypter.addRecipient(identity.recipient)
      const file = await encrypter.encrypt(plain)
      return done(Buffer.concat([codeOf(context, file), file]))
    },
    async unseal(sealed, context) {
      const [code, file] = [sealed.subarray(0, CODE), sealed.subarray(CODE)]
      if (code.length < CODE || !timingSafeEqual(code, codeOf(context, file))) return refused('SEAL_BROKEN')
      const { Decrypter } = await import('age-encryption')
      const decrypter = new Decrypter()
      decrypter.addIdentity(identity.secretKey)
      try {
        return done(await decrypter.decrypt(file))
      } catch {
        return refused('SEAL_BROKEN')
      }
    },
  }
}
