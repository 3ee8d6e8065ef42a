import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'

/**
 * Keys of NATS users: 32 bytes of Ed25519, behind one or two bytes that say whose they are, with a checksum, in base32.
 * https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth
 * https://github.com/nats-io/nkeys/blob/main/strkey.go
 */
const SEED = 18 << 3
const USER = 20 << 3

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** What stands before a bare seed in PKCS #8 (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The public key of a user, as a configuration names it. */
export const userKey = /^U[A-Z2-7]{55}$/

/** A fresh seed (`SU...`), by the random source of the system. */
export function makeSeed(): string {
  const { d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return encode(Buffer.concat([Buffer.of(SEED | (USER >> 5), (USER & 31) << 3), Buffer.from(d, 'base64url')]))
}

/** The public key (`U...`) of the seed of a user; undefined when the text is none. */
export function publicKeyOf(seed: string): string | undefined {
  const bytes = decode(seed.trim())
  if (bytes?.length !== 34 || bytes[0] !== (SEED | (USER >> 5)) || bytes[1] !== (USER & 31) << 3) return undefined
  const key = createPublicKey(createPrivateKey({ key: Buffer.concat([PKCS8, bytes.subarray(2)]), format: 'der', type: 'pkcs8' }))
  const { x = '' } = key.export({ format: 'jwk' })
  return encode(Buffer.concat([Buffer.of(USER), Buffer.from(x, 'base64url')]))
}

function encode(bytes: Buffer): string {
  const check = Buffer.alloc(2)
  check.writeUInt16LE(checksum(bytes))
  const bits = [...bytes, ...check].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return [...bits.matchAll(/.{1,5}/g)].map(([five]) => ALPHABET[Number.parseInt(five.padEnd(5, '0'), 2)]).join('')
}

/** What was encoded, without its checksum; undefined when that is wrong, or anything stands behind it. */
function decode(text: string): Buffer | undefined {
  if (!/^[A-Z2-7]+$/.test(text)) return undefined
  const bits = [...text].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const all = Buffer.from([...bits.matchAll(/.{8}/g)].map(([eight]) => Number.parseInt(eight, 2)))
  const bytes = all.subarray(0, -2)
  return all.length > 2 && encode(bytes) === text ? bytes : undefined
}

/** CRC-16/XMODEM. */
function checksum(bytes: Buffer): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff
  }
  return crc
}
