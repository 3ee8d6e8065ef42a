import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { calculateJwkThumbprint, importJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import { proving } from '../../../test/systems/claims.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { issuerSuite } from '../../testing/issuer.ts'
import { openIssuer } from './index.ts'
import manifest, { type IssuerConfig, issuerConfig } from './manifest.ts'
import { completePair, makePair, pairId } from './pair.ts'

const ALGS = ['RS256', 'ES256', 'EdDSA'] as const
const FORMS = ['pem', 'pem-base64', 'jwk'] as const
const host = { base: '/srv/atlas' }

const config = (given: object): IssuerConfig => issuerConfig.parse({ name: 'jwt', ...given })

// Of RSA one pair takes a tenth of a second: the laws know of no algorithm.
for (const alg of ['ES256', 'EdDSA'] as const) {
  issuerSuite(
    proving({ connector: 'keypair', as: 'issuer', strategy: 'dual-key', on: 'itself' }),
    `keypair, ${alg}`,
    async () => {
      const form = config({ alg })
      const fields = makePair(form)
      const close = async (): Promise<void> => undefined
      return { open: () => openIssuer(form, host), current: { id: fields['kid']?.reveal() ?? '', fields }, siblings: [], use: async () => ({ alive: async () => true, close }), close }
    },
  )
}

describe('a pair of keys', () => {
  it.each(ALGS.flatMap((alg) => FORMS.filter((form) => alg !== 'RS256' || form === 'pem').map((form) => [alg, form] as const)))('%s, %s: what is signed with the private key is verified with the key of the set, by jose', async (alg, form) => {
    const fields = makePair({ alg, private: form })
    const jwk = JSON.parse(fields['jwk']?.reveal() ?? '') as JWK
    const text = fields['private']?.reveal() ?? ''
    const key = form === 'jwk' ? await importJWK(JSON.parse(text) as JWK) : createPrivateKey(form === 'pem' ? text : Buffer.from(text, 'base64').toString())
    const token = await new SignJWT({ a: 1 }).setProtectedHeader({ alg, kid: jwk.kid ?? '' }).setExpirationTime('1m').sign(key)
    expect((await jwtVerify(token, await importJWK(jwk, alg))).payload).toMatchObject({ a: 1 })
    expect(jwk).toMatchObject({ alg, use: 'sig', kid: await calculateJwkThumbprint(jwk) })
    expect(fields['kid']?.reveal()).toBe(jwk.kid)
    expect(Object.keys(jwk).filter((name) => ['d', 'p', 'q', 'k'].includes(name))).toEqual([])
    if (form !== 'pem') expect(text).not.toContain('\n')
  })

  it('RS256 has 2048 bits, or as many as are asked for (S3-16, I-02)', () => {
    const bits = (form: Parameters<typeof makePair>[0]): number | undefined => createPublicKey(makePair(form)['public']?.reveal() ?? '').asymmetricKeyDetails?.modulusLength
    expect(bits({ alg: 'RS256', private: 'pem' })).toBe(2048)
    expect(bits({ alg: 'RS256', private: 'pem', bits: 3072 })).toBe(3072)
  })

  it('all else follows from a private key that somebody else has made, in any form', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const texts = [
      String(privateKey.export({ type: 'pkcs1', format: 'pem' })), String(privateKey.export({ type: 'pkcs8', format: 'pem' })).replaceAll('\n', '\\n'),
      JSON.stringify(privateKey.export({ format: 'jwk' })),
    ]
    const ids = texts.map((text) => {
      const whole = completePair({ private: new Secret(text) }, { alg: 'ES256' })
      const signature = sign('sha256', Buffer.from('x'), privateKey)
      expect(verify('sha256', Buffer.from('x'), createPublicKey(whole['public']?.reveal() ?? ''), signature)).toBe(true)
      // It keeps its own algorithm, whatever the next one will have.
      expect(JSON.parse(whole['jwk']?.reveal() ?? '')).toMatchObject({ alg: 'RS256' })
      return pairId(whole, { alg: 'ES256' })
    })
    expect(new Set(ids).size).toBe(1)
  })

  it('the key id that the key set names stays: tokens carry it', () => {
    const fields = makePair({ alg: 'EdDSA', private: 'pem' })
    const jwk = new Secret(JSON.stringify({ ...JSON.parse(fields['jwk']?.reveal() ?? '') as object, kid: 'of-2024' }))
    const whole = completePair({ private: fields['private'] ?? new Secret(''), jwk }, { alg: 'EdDSA' })
    expect(whole['kid']?.reveal()).toBe('of-2024')
    expect(pairId(whole, { alg: 'EdDSA' })).toBe('of-2024')
  })

  it.each(['public', 'jwk'] as const)('a private key beside the %s of another pair is nobody\'s credential', (field) => {
    const [one, other] = [makePair({ alg: 'ES256', private: 'pem' }), makePair({ alg: 'ES256', private: 'pem' })]
    expect(pairId({ ...one, [field]: other[field] ?? new Secret('') }, { alg: 'ES256' })).toBeUndefined()
  })

  it('what is no private key has no id', () => {
    for (const text of ['', 'hunter2', '{"kty":"oct"}', '-----BEGIN PRIVATE KEY-----\nnope\n-----END PRIVATE KEY-----']) {
      expect(pairId({ private: new Secret(text) }, { alg: 'ES256' })).toBeUndefined()
    }
  })
})

describe('the configuration of keypair', () => {
  it.each([
    [{ alg: 'RS256', bits: 1024 }, 'bits'],
    [{ alg: 'RS256', bits: 8192 }, 'bits'],
    [{ alg: 'ES256', bits: 2048 }, 'bits'],
    [{ alg: 'HS256' }, 'alg'],
  ])('refuses %j and names %s', (given, at) => {
    expect(issuerConfig.safeParse({ name: 'jwt', ...given }).error?.issues.map(({ path }) => path)).toEqual([[at]])
  })

  it('describes every property, and the fields are those of the issuer', () => {
    expect(Object.values(issuerConfig.shape).every((property) => property.description !== undefined)).toBe(true)
    expect(manifest.fields).toEqual(openIssuer(config({ alg: 'ES256' }), host).traits.fields)
  })

  it('has room for two with dual-key, and for one else', () => {
    const slots = (strategy: string): number => openIssuer(config({ alg: 'ES256', strategy }), host).traits.slots
    expect([slots('dual-key'), slots('in-place'), slots('hard-cut')]).toEqual([2, 1, 1])
  })

  it('never says that a key is accepted or rejected', async () => {
    const issuer = openIssuer(config({ alg: 'ES256' }), host)
    const probed = await issuer.probe(issuer.propose({ id: '', fields: {} }), 'consumers', callWithin(1000))
    expect(probed).toEqual({ is: 'done', value: { verdict: 'inconclusive', code: 'consumers' } })
  })
})
