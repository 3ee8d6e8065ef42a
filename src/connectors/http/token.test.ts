import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../kit/secret.ts'
import { readPrivateKey } from '../../outside/private-key.ts'
import { signToken } from './token.ts'

const LIFE = { life: '60s' } as const

describe('a token that a check signs with the credential', () => {
  it('is verified by jose with the shared secret, and carries the claims and a life', async () => {
    const value = randomBytes(48).toString('base64')
    const token = signToken({ alg: 'HS256', field: 'value', claims: { aud: 'api', admin: false }, ...LIFE }, { value: new Secret(value) }, Date.now())
    const { payload } = await jwtVerify(token?.reveal() ?? '', new TextEncoder().encode(value), { audience: 'api' })
    expect(payload).toMatchObject({ admin: false })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(61)
    await expect(jwtVerify(token?.reveal() ?? '', randomBytes(48))).rejects.toMatchObject({ code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
  })

  it.each([
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['EdDSA', generateKeyPairSync('ed25519').privateKey],
  ] as const)('is verified by jose with the public key, %s, and names its key id', async (alg, privateKey) => {
    const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const forms = [pem, pem.replaceAll('\n', '\\n'), Buffer.from(pem).toString('base64'), JSON.stringify(privateKey.export({ format: 'jwk' }))]
    for (const form of forms) {
      expect(readPrivateKey(form)?.equals(privateKey)).toBe(true)
      const token = signToken({ alg, field: 'private', kid: 'kid', ...LIFE }, { private: new Secret(form), kid: new Secret('of-2024') }, Date.now())?.reveal() ?? ''
      expect((await jwtVerify(token, createPublicKey(privateKey))).payload.jti).toBeTypeOf('string')
      expect(decodeProtectedHeader(token)).toEqual({ alg, typ: 'JWT', kid: 'of-2024' })
    }
  })

  it('is none without the field, or without a key in it', () => {
    expect(signToken({ alg: 'HS256', field: 'value', ...LIFE }, {}, 0)).toBeUndefined()
    expect(signToken({ alg: 'ES256', field: 'value', ...LIFE }, { value: new Secret('hunter2') }, 0)).toBeUndefined()
    expect(signToken({ alg: 'HS256', field: 'value', kid: 'kid', ...LIFE }, { value: new Secret('hunter2') }, 0)).toBeUndefined()
  })
})
