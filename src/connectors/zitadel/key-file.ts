import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { Secret } from '../../kit/secret.ts'

/** The file of a service account, as Zitadel makes it. https://zitadel.com/docs/guides/integrate/service-accounts/private-key-jwt */
const fileSchema = z.looseObject({ type: z.literal('serviceaccount').optional(), keyId: z.string().min(1), key: z.string().min(1), userId: z.string().min(1) })

export type KeyFile = z.infer<typeof fileSchema>

/** Undefined when it is no such file. */
export function readKeyFile(text: Secret | undefined): KeyFile | undefined {
  try {
    const parsed = fileSchema.safeParse(JSON.parse(text?.reveal() ?? ''))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

/** A file of the same user whose key nobody has told Zitadel of. */
export function strangeKeyFile(userId: string): Secret {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs1', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } })
  return new Secret(JSON.stringify({ type: 'serviceaccount', keyId: `9${randomBytes(8).readBigUInt64BE().toString().padStart(20, '0').slice(0, 17)}`, key: privateKey, userId }))
}

/** Who says what to whom, and when, unix ms. */
export interface Claims {
  readonly keyId: string
  readonly userId: string
  readonly audience: string
  readonly now: number
}

/** A minute is enough for one request. */
const LIFE_S = 60

/**
 * What the user shows for an access token (RFC 7523), signed with the key of the file. What is no private key signs nothing: the signature is
 * then noise, and the verdict on it is Zitadel's.
 */
export function assertionOf(key: string | undefined, { keyId, userId, audience, now }: Claims): Secret {
  const iat = Math.floor(now / 1_000)
  const part = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64url')
  const said = `${part({ alg: 'RS256', typ: 'JWT', kid: keyId })}.${part({ iss: userId, sub: userId, aud: audience, iat, exp: iat + LIFE_S })}`
  return new Secret(`${said}.${signatureOf(key, said)}`)
}

function signatureOf(key: string | undefined, said: string): string {
  try {
    return createSign('RSA-SHA256').update(said).sign(key ?? '').toString('base64url')
  } catch {
    return randomBytes(256).toString('base64url')
  }
}
