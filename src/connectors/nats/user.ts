import { z } from 'zod'
import { Secret } from '../../kit/secret.ts'
import { parseJson } from './json.ts'
import type { UserClaims } from './manifest.ts'

/** What the JWT of a user says. */
export interface UserJwt {
  /** The public key of the user: `U...`. */
  readonly id: string
  readonly name: string
  /** The public key of its account. */
  readonly account: string
  /** Unix seconds; absent when it is valid for ever. */
  readonly expires?: number
  /** All else: permissions, limits, tags. */
  readonly claims: Readonly<Record<string, unknown>>
}

const payload = z.object({
  sub: z.string().regex(/^U[A-Z2-7]{55}$/),
  iss: z.string(),
  name: z.string().default(''),
  exp: z.number().optional(),
  nats: z.looseObject({ type: z.literal('user'), issuer_account: z.string().optional() }),
})

/** Reads the JWT of a user without checking its signature, which is for the server; undefined when it is none. Pure. */
export function readUser(jwt: Secret | undefined): UserJwt | undefined {
  const [, middle = ''] = jwt?.reveal().split('.') ?? []
  const { success, data } = payload.safeParse(parseJson(Buffer.from(middle, 'base64url').toString()))
  if (!success) return undefined
  const { issuer_account, ...claims } = data.nats
  return { id: data.sub, name: data.name, account: issuer_account ?? data.iss, claims, ...(data.exp === undefined ? {} : { expires: data.exp }) }
}

/** A user JWT and the seed of its key. */
export interface Creds {
  readonly jwt: Secret
  readonly seed: Secret
}

/** The two parts of the text of a `.creds` file; undefined when it is none. Pure. */
export function readCreds(text: Secret): Creds | undefined {
  const [jwt, seed] = [...text.reveal().matchAll(/^-{3,}BEGIN [^\n]*-{3,}\r?\n\s*(\S+)\s*\r?\n-{3,}END [^\n]*-{3,}\s*$/gm)].map(([, part = '']) => new Secret(part))
  return jwt === undefined || seed === undefined ? undefined : { jwt, seed }
}

/** By what a user is made. */
export interface Making {
  /** The seed of the account, or of a signing key of it. */
  readonly signer: Secret
  readonly account: string
  readonly name: string
  readonly claims: UserClaims
  /** Whether the signing key has a role, which then says what the user may do. */
  readonly scoped: boolean
  /** Unix seconds. */
  readonly expires?: number
}

/** A new key pair of a user. */
export interface UserKey {
  readonly id: string
  readonly seed: Secret
}

/** A fresh one, by the random source of the system. */
export async function makeKey(): Promise<UserKey> {
  const { createUser } = await import('@nats-io/jwt')
  const pair = createUser()
  return { id: pair.getPublicKey(), seed: new Secret(Buffer.from(pair.getSeed()).toString()) }
}

/** Signs what the user may do. Touches nothing outside: a server believes whoever holds a signing key of the account. */
export async function signUser({ signer, account, name, claims, scoped, expires }: Making, key: UserKey): Promise<Secret> {
  const { encodeUser } = await import('@nats-io/jwt')
  const own = (await publicKeyOf(signer)) === account
  const options = { ...(own ? {} : { signer: signer.reveal() }), ...(expires === undefined ? {} : { exp: expires }) }
  const said = scoped ? {} : { ...claims, pub: { ...claims.pub }, sub: { ...claims.sub } }
  return new Secret(await encodeUser(name, key.id, own ? signer.reveal() : account, said as object, { ...options, scopedUser: scoped }))
}

/** The public key of a seed; undefined when the text is none. */
export async function publicKeyOf(seed: Secret): Promise<string | undefined> {
  const { fromSeed } = await import('@nats-io/jwt')
  try {
    return fromSeed(Buffer.from(seed.reveal().trim())).getPublicKey()
  } catch {
    // Its checksum is wrong, or it is another text.
    return undefined
  }
}

/** What two users may do is the same, however it is written: no limit is -1, nothing allowed by name is an empty list or none. Pure. */
export function sameClaims(one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): boolean {
  return JSON.stringify(canonical(one)) === JSON.stringify(canonical(other))
}

/** Who made it and how is not what it may do. */
const NOT_RIGHTS = new Set(['type', 'version', 'issuer_account'])

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value
  if (typeof value !== 'object' || value === null) return value === -1 || value === false || value === '' ? undefined : value
  const entries = Object.entries(value).flatMap(([key, inner]) => {
    const kept = NOT_RIGHTS.has(key) ? undefined : canonical(inner)
    return kept === undefined || (typeof kept === 'object' && kept !== null && Object.keys(kept).length === 0) ? [] : [[key, kept] as const]
  })
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
