import { createHmac, randomUUID, sign } from 'node:crypto'
import { durationOf } from '../../kit/duration.ts'
import { type Fields, Secret } from '../../kit/secret.ts'
import { readPrivateKey } from '../../outside/private-key.ts'
import type { CheckConfig } from './manifest.ts'

type Jwt = Extract<NonNullable<CheckConfig['auth']>, { jwt: unknown }>['jwt']

/**
 * A fresh token that is signed with the key in these fields (RFC 7515, RFC 7519): what an acceptor says of it, it says of the key. `now` is
 * in unix ms. Undefined when there is no such field, or no key in it.
 */
export function signToken({ alg, field, kid, claims = {}, life }: Jwt, fields: Fields, now: number): Secret | undefined {
  const key = fields[field]
  const named = kid === undefined ? undefined : fields[kid]
  if (key === undefined || (kid !== undefined && named === undefined)) return undefined
  const at = Math.floor(now / 1_000)
  const header = { alg, typ: 'JWT', ...(named === undefined ? {} : { kid: named.reveal() }) }
  // Not every verifier allows for a clock that is a little behind.
  const payload = { iat: at - 1, exp: at + Math.ceil(durationOf(life) / 1_000), jti: randomUUID(), ...claims }
  const text = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const signature = signatureOf(alg, key.reveal(), text)
  return signature === undefined ? undefined : new Secret(`${text}.${signature.toString('base64url')}`)
}

function signatureOf(alg: Jwt['alg'], value: string, text: string): Buffer | undefined {
  if (alg === 'HS256') return createHmac('sha256', value).update(text).digest()
  const key = readPrivateKey(value)
  if (key === undefined) return undefined
  // RFC 7518, 3.4: the two numbers side by side, not in DER.
  return sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(text), alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key)
}
