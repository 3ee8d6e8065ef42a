import { KeyturnError } from '../kit/error.ts'
import { type Credential } from '../kit/issuer.ts'
import { Secret } from '../kit/secret.ts'
import type { Identity } from './identity.ts'

/** A sealed credential as it lies in the state: an age file, and a code over where it belongs and what it is. */
export interface Sealed {
  readonly ciphertext: Uint8Array
  readonly mac: string
}

/** Which credential of which rotation: bound into the code, so that a row cannot be moved to another place. */
export interface SealPlace {
  readonly rotation: string
  readonly name: 'new' | 'old'
  readonly secret: string
}

/** Seals a credential with all its fields. */
export async function seal(credential: Credential, place: SealPlace, identity: Identity): Promise<Sealed> {
  const fields = Object.fromEntries(Object.entries(credential.fields).map(([name, value]) => [name, value.reveal()]))
  const { Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  encrypter.addRecipient(identity.recipient)
  const ciphertext = await encrypter.encrypt(JSON.stringify({ secret: place.secret, credential: credential.id, fields }))
  return { ciphertext, mac: identity.mac(authenticated(ciphertext, place)) }
}

/** Opens it again. Throws SEAL_BROKEN when it was changed, moved or not made by this identity. */
export async function unseal(sealed: Sealed, place: SealPlace, identity: Identity): Promise<Credential> {
  if (identity.mac(authenticated(sealed.ciphertext, place)) !== sealed.mac) throw new KeyturnError('SEAL_BROKEN', `${place.name} of ${place.rotation}`)
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity.secretKey)
  const plain = JSON.parse(await decrypter.decrypt(sealed.ciphertext, 'text')) as { credential: string; fields: Record<string, string> }
  return {
    id: plain.credential,
    fields: Object.fromEntries(Object.entries(plain.fields).map(([name, value]) => [name, new Secret(value)])),
  }
}

function authenticated(ciphertext: Uint8Array, place: SealPlace): Uint8Array {
  return Buffer.concat([Buffer.from(JSON.stringify([place.rotation, place.name, place.secret])), ciphertext])
}
