import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Credential } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import { seal, unseal } from './envelope.ts'
import { type FakeMinio, startFakeMinio } from './fake.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './manifest.ts'
import { prove } from './proof.ts'

/** What the libraries of the server wrote for the key `aaaa...` of 40 characters: Argon2id with AES-GCM, and with ChaCha20-Poly1305. */
const WRITTEN = [
  [0, 'HD1voCmR0t84I/C+3BK7q+vAnYBtjPRXIpNPxfSBZQsAOr3iMqXb6vV6SOATX6CNsbzUB5CToD34XMtxPddAMtobBcbApeqbimk='],
  [1, 'LuEdwMLsnLruEX4LPLiv1zGhnpOaNzF/DK3ana5syGYBWSYk8ZqxK8/6ScUk9dpP9NTDSaqyBkj+4zT87TCgFkebtqNCO81iTnQ='],
] as const

const freshSecret = (): Secret => new Secret(generate(ALNUM, 40))

function keyIn(fake: FakeMinio, parent: string | undefined, name: string, id = generate(ALNUM, 20)): Credential {
  const secret = freshSecret()
  fake.keys.set(id, { secret: secret.reveal(), name, on: true, ...(parent === undefined ? {} : { parent }) })
  return { id, fields: { accessKeyId: new Secret(id), secretAccessKey: secret } }
}

const configOf = (fake: FakeMinio, more: object = {}) => issuerSchema.parse({
  endpoint: fake.url, bucket: 'media', prefix: 'checks/', adminKey: '${env:ID}', adminSecret: '${env:SECRET}', user: 'atlas', name: 'atlas-media', ...more,
})

function hostOf({ root }: FakeMinio): Host {
  const resolve = async (text: string): Promise<Secret> => (text === '${env:ID}' ? new Secret(root.accessKeyId) : root.secretAccessKey)
  return { base: '/', now: () => Date.now(), resolve, conceal: () => undefined }
}

interface World extends IssuerWorld {
  readonly fake: FakeMinio
}

async function makeWorld(): Promise<World> {
  const fake = await startFakeMinio({ accessKeyId: generate(ALNUM, 16), secretAccessKey: freshSecret() })
  const [user, stranger] = [keyIn(fake, undefined, '', 'atlas'), keyIn(fake, undefined, '', 'nova')]
  const config = configOf(fake)
  let back: Promise<void> | undefined
  return {
    fake,
    current: keyIn(fake, 'atlas', 'atlas-media'),
    siblings: [user, stranger, keyIn(fake, 'atlas', 'other'), keyIn(fake, 'nova', 'atlas-media')],
    open: () => {
      // An outage lasts until the next run of keyturn.
      back = fake.restart()
      return openIssuer(config, hostOf(fake))
    },
    use: async ({ id, fields }) => ({
      alive: async () => {
        const seen = await prove(fake.url, config, { accessKeyId: id, secretAccessKey: fields['secretAccessKey'] ?? new Secret('') }, callWithin(5_000))
        return seen.is === 'done' && seen.value.verdict === 'accepted'
      },
      close: async () => undefined,
    }),
    inject: async (fault) => {
      if (fault === 'full') keyIn(fake, 'atlas', 'atlas-media')
      else await fake.inject(fault)
    },
    close: async () => {
      await back
      await fake.close()
    },
  }
}

issuerSuite(proving({ connector: 's3', as: 'issuer', strategy: 'overlap', on: 'fake' }, describe), 's3', makeWorld)

async function inWorld(body: (world: World) => Promise<void>): Promise<void> {
  const world = await makeWorld()
  try {
    await body(world)
  } finally {
    await world.close()
  }
}

describe('access keys of MinIO', () => {
  it('an access key of the same user with another name is never ended, whatever is recorded (I5)', () => inWorld(async ({ fake, open, siblings }) => {
    const other = siblings[2]?.id ?? ''
    expect(await open().set(other, 'gone', callWithin(5_000))).toMatchObject({ is: 'done' })
    expect(await open().set(other, 'off', callWithin(5_000))).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
    expect(fake.keys.get(other)?.on).toBe(true)
  }))

  it('an id that somebody else has is not taken over', () => inWorld(async ({ fake, open, current, siblings }) => {
    const other = siblings[2]?.id ?? ''
    const before = fake.keys.get(other)
    const credential = { id: other, fields: { ...open().propose(current).fields, accessKeyId: new Secret(other) } }
    expect(await open().mint({ credential, tag: 'a' }, callWithin(5_000))).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    expect(fake.keys.get(other)).toEqual(before)
  }))

  it('the key of the user itself is refused as the one in use: its end would end the others', () => inWorld(async ({ open, siblings }) => {
    const user = siblings[0]
    if (user === undefined) throw new Error('no user')
    expect(await open().preflight(user, 'next', callWithin(5_000))).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
  }))

  it('an admin whose value is wrong, and one without rights, are told apart', () => inWorld(async ({ fake, current, siblings }) => {
    const as = (accessKeyId: string, secretAccessKey: Secret) => openIssuer(configOf(fake), hostOf({ ...fake, root: { accessKeyId, secretAccessKey } }))
    const preflight = (id: string, secret: Secret) => as(id, secret).preflight(current, 'next', callWithin(5_000))
    expect(await preflight(fake.root.accessKeyId, freshSecret())).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED', evidence: { code: 'SignatureDoesNotMatch' } })
    const weak = await preflight('atlas', siblings[0]?.fields['secretAccessKey'] ?? freshSecret())
    expect(weak).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('admin:ListServiceAccounts') as string })
  }))

  it('a proof leaves no object behind', () => inWorld(async ({ fake, open, current }) => {
    const issuer = open()
    expect(await issuer.probe(current, issuer.endpoints()[0] ?? '', callWithin(5_000))).toEqual({ is: 'done', value: { verdict: 'accepted', code: 'put get list delete' } })
    const list = await prove(fake.url, { ...configOf(fake), proof: ['list'] }, { accessKeyId: current.id, secretAccessKey: current.fields['secretAccessKey'] ?? freshSecret() }, callWithin(5_000))
    expect(list).toMatchObject({ value: { verdict: 'accepted', code: 'list' } })
  }))
})

describe('the envelope of the admin API', () => {
  it.each([0, 1, 16_384, 16_385, 50_000])('gives %d bytes back, and nothing to another key or when a byte differs', async (length) => {
    const [key, text] = [freshSecret(), 'a'.repeat(length)]
    const sealed = await seal(key, text)
    expect(await unseal(key, sealed)).toBe(text)
    expect(await unseal(freshSecret(), sealed)).toBeUndefined()
    sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1
    expect(await unseal(key, sealed)).toBeUndefined()
    expect(await unseal(key, sealed.subarray(0, 40))).toBeUndefined()
  })

  it.each(WRITTEN)('reads what a server wrote with cipher %d', async (_id, sealed) => {
    expect(await unseal(new Secret('a'.repeat(40)), Buffer.from(sealed, 'base64'))).toBe('{"accounts":null}')
  })
})
