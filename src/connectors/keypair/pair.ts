import { createHash, createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto'
import { type Fields, Secret } from '../../kit/secret.ts'
import { readPrivateKey } from '../../outside/private-key.ts'
import type { IssuerConfig } from './manifest.ts'

type Form = Pick<IssuerConfig, 'alg' | 'bits' | 'private'>

/** RFC 7638, 3.2, and RFC 8037, 2: the members that make up a public key, by its type, in the order in which they are hashed. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] }

/** A fresh pair, with all of its fields. The key id is the thumbprint of the public key (RFC 7638). */
export function makePair(form: Form): Fields {
  const key = generate(form)
  const { jwk, kid } = publicOf(key, form)
  const text = form.private === 'jwk' ? inOrder({ ...key.export({ format: 'jwk' }), alg: jwk['alg'], kid, use: 'sig' }) : pemOf(key)
  const value = new Secret(form.private === 'pem-base64' ? Buffer.from(`${text}\n`).toString('base64') : text)
  return completePair({ private: value }, form)
}

function generate({ alg, bits = 2048 }: Form): KeyObject {
  if (alg === 'RS256') return generateKeyPairSync('rsa', { modulusLength: bits }).privateKey
  return alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : generateKeyPairSync('ed25519').privateKey
}

/**
 * What follows from the private key: the public one in PEM, its JSON Web Key, and the key id, which stays what the stores say where
 * they name one. What is there already stays as it is. Without a private key that can be read nothing follows. Pure.
 */
export function completePair(fields: Fields, form: Pick<Form, 'alg'>): Fields {
  const key = readPrivate(fields['private'])
  if (key === undefined) return fields
  const { jwk, pem, kid } = publicOf(key, form, namedIn(fields))
  return { public: new Secret(pem), jwk: new Secret(inOrder(jwk)), kid: new Secret(kid), ...fields }
}

/** The key id of a credential whose parts belong together; undefined when they do not, or when there is no private key. Pure. */
export function pairId(fields: Fields, form: Pick<Form, 'alg'>): string | undefined {
  const key = readPrivate(fields['private'])
  if (key === undefined) return undefined
  const whole = completePair(fields, form)
  const thumb = thumbprint(createPublicKey(key).export({ format: 'jwk' }))
  const others = [jwkIn(whole['jwk']), publicIn(whole['public'])]
  return others.every((jwk) => jwk !== undefined && thumbprint(jwk) === thumb) ? whole['kid']?.reveal() : undefined
}

function publicOf(key: KeyObject, { alg }: Pick<Form, 'alg'>, named?: string): { readonly jwk: Readonly<Record<string, unknown>>; readonly pem: string; readonly kid: string } {
  const open = createPublicKey(key)
  const members = open.export({ format: 'jwk' })
  const kid = named ?? thumbprint(members)
  // A key from before the algorithm was changed keeps its own.
  const own = { RSA: 'RS256', EC: 'ES256', OKP: 'EdDSA' }[String(members.kty)] ?? alg
  return { jwk: { ...members, alg: own, kid, use: 'sig' }, pem: String(open.export({ type: 'spki', format: 'pem' })).trim(), kid }
}

function readPrivate(value: Secret | undefined): KeyObject | undefined {
  return readPrivateKey(value?.reveal() ?? '')
}

function publicIn(value: Secret | undefined): JsonWebKey | undefined {
  try {
    return value === undefined ? undefined : createPublicKey(value.reveal().replaceAll('\\n', '\n')).export({ format: 'jwk' })
  } catch {
    return undefined
  }
}

function jwkIn(value: Secret | undefined): JsonWebKey | undefined {
  try {
    const read: unknown = value === undefined ? undefined : JSON.parse(value.reveal())
    return typeof read === 'object' && read !== null ? (read as JsonWebKey) : undefined
  } catch {
    return undefined
  }
}

/** The key id that the stores name: by itself, in the public key, or in the private one. */
function namedIn(fields: Fields): string | undefined {
  const alone = fields['kid']?.reveal()
  if (alone !== undefined) return alone
  const named = [fields['jwk'], fields['private']].map((value) => jwkIn(value)?.['kid'])
  return named.find((kid) => typeof kid === 'string' && kid !== '')?.toString()
}

function thumbprint(jwk: JsonWebKey): string {
  const members = MEMBERS[String(jwk.kty)] ?? []
  return createHash('sha256').update(JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]])))).digest('base64url')
}

function pemOf(key: KeyObject): string {
  return String(key.export({ type: 'pkcs8', format: 'pem' })).trim()
}

/** As a key set is read back: members by name, no white space. */
function inOrder(jwk: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(jwk).sort(([a], [b]) => (a < b ? -1 : 1))))
}
