import { createCipheriv, createDecipheriv, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Secret } from '../../kit/secret.ts'

// What MinIO's admin API wraps bodies in: 32 bytes of salt, one for the cipher, 8 of nonce, then fragments of 16 KiB, each with its
// tag. The key is derived from the secret key of whoever asks.
// https://github.com/minio/madmin-go/blob/v3.0.109/encrypt.go, https://github.com/secure-io/sio-go/blob/v0.3.1/writer.go

const [SALT, NONCE, TAG, FRAGMENT] = [32, 8, 16, 16 * 1024]
const PBKDF2_AES = 2

/** The ciphers by their number; 0 and 1 derive the key with Argon2id, 2 with PBKDF2, which every server reads and Node has. */
const CIPHERS = ['aes-256-gcm', 'chacha20-poly1305', 'aes-256-gcm'] as const

type Cipher = (typeof CIPHERS)[number]

/** Wraps a body for the server. `key` is the secret key that signs the request. */
export async function seal(key: Secret, body: string): Promise<Buffer> {
  const [salt, nonce] = [randomBytes(SALT), randomBytes(NONCE)]
  const derived = await derive(key, salt, PBKDF2_AES)
  const plain = Buffer.from(body)
  const count = Math.max(1, Math.ceil(plain.length / FRAGMENT))
  const fragments = Array.from({ length: count }, (_, at) => {
    const cipher = createCipheriv('aes-256-gcm', derived, numbered(nonce, at + 1))
    cipher.setAAD(associated('aes-256-gcm', derived, nonce, at === count - 1))
    return Buffer.concat([cipher.update(plain.subarray(at * FRAGMENT, (at + 1) * FRAGMENT)), cipher.final(), cipher.getAuthTag()])
  })
  return Buffer.concat([salt, Buffer.from([PBKDF2_AES]), nonce, ...fragments])
}

/** Unwraps what the server answers. Undefined when it is no such envelope, was made with another key, or is not whole. */
export async function unseal(key: Secret, sealed: Buffer): Promise<string | undefined> {
  const id = sealed[SALT]
  const cipher = id === undefined ? undefined : CIPHERS[id]
  if (id === undefined || cipher === undefined) return undefined
  const nonce = sealed.subarray(SALT + 1, SALT + 1 + NONCE)
  const body = sealed.subarray(SALT + 1 + NONCE)
  const derived = await derive(key, sealed.subarray(0, SALT), id)
  const count = Math.max(1, Math.ceil(body.length / (FRAGMENT + TAG)))
  try {
    const parts = Array.from({ length: count }, (_, at) => {
      const fragment = body.subarray(at * (FRAGMENT + TAG), (at + 1) * (FRAGMENT + TAG))
      const opened = deciphered(cipher, derived, numbered(nonce, at + 1))
      opened.setAAD(associated(cipher, derived, nonce, at === count - 1), { plaintextLength: fragment.length - TAG })
      opened.setAuthTag(fragment.subarray(fragment.length - TAG))
      return Buffer.concat([opened.update(fragment.subarray(0, fragment.length - TAG)), opened.final()])
    })
    return Buffer.concat(parts).toString('utf8')
  } catch (thrown) {
    // Node throws for a tag that does not fit, and for one that is too short to be a tag.
    if (thrown instanceof Error) return undefined
    throw thrown
  }
}

/** The nonce of a fragment; the first one is 1, since 0 goes to what all of them are bound to. */
function numbered(nonce: Buffer, at: number): Buffer {
  const full = Buffer.alloc(NONCE + 4)
  nonce.copy(full)
  full.writeUInt32LE(at, NONCE)
  return full
}

/** What a fragment is bound to: whether it is the last one, and the tag of an empty one with number 0. */
function associated(cipher: Cipher, key: Buffer, nonce: Buffer, last: boolean): Buffer {
  const empty = ciphered(cipher, key, numbered(nonce, 0))
  empty.final()
  return Buffer.concat([Buffer.from([last ? 0x80 : 0]), empty.getAuthTag()])
}

function ciphered(cipher: Cipher, key: Buffer, nonce: Buffer) {
  return cipher === 'aes-256-gcm' ? createCipheriv(cipher, key, nonce) : createCipheriv(cipher, key, nonce, { authTagLength: TAG })
}

function deciphered(cipher: Cipher, key: Buffer, nonce: Buffer) {
  return cipher === 'aes-256-gcm' ? createDecipheriv(cipher, key, nonce) : createDecipheriv(cipher, key, nonce, { authTagLength: TAG })
}

/** PBKDF2 with 8192 rounds, or Argon2id with one pass over 64 MiB: the figures of the server. */
async function derive(key: Secret, salt: Buffer, id: number): Promise<Buffer> {
  if (id === PBKDF2_AES) return promisify(pbkdf2)(key.reveal(), salt, 8192, 32, 'sha256')
  const crypto = process.getBuiltinModule('node:crypto')
  // Node has it from 24.7 on; by itself it takes a tenth of the time.
  if (typeof crypto.argon2 === 'function') {
    return promisify(crypto.argon2)('argon2id', { message: key.reveal(), nonce: salt, parallelism: 4, tagLength: 32, memory: 64 * 1024, passes: 1 })
  }
  const { argon2idAsync } = await import('@noble/hashes/argon2.js')
  return Buffer.from(await argon2idAsync(key.reveal(), salt, { p: 4, t: 1, m: 64 * 1024, dkLen: 32 }))
}
