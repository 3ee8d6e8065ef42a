import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Credential } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { optional } from '../../outside/aws/index.ts'
import { callWithin } from '../../testing/call.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import { type FakeIam, startFakeIam } from './fake.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './manifest.ts'

const call = () => callWithin(10_000)

function hostOf(fake: FakeIam, as: string): Host {
  const resolve = async (text: string): Promise<Secret> => new Secret(text === '${env:ID}' ? as : (fake.keys.get(as)?.secret ?? ''))
  return { base: '/', now: () => Date.now(), resolve, conceal: () => undefined }
}

const configOf = (fake: FakeIam) => issuerSchema.parse({ endpoint: fake.url, region: 'eu-central-1', user: 'atlas', adminKey: '${env:ID}', adminSecret: '${env:SECRET}' })

function credentialOf({ keys }: FakeIam, id: string): Credential {
  return { id, fields: { accessKeyId: new Secret(id), secretAccessKey: new Secret(keys.get(id)?.secret ?? '') } }
}

interface World extends IssuerWorld {
  readonly fake: FakeIam
  readonly admin: string
}

async function makeWorld(): Promise<World> {
  const fake = await startFakeIam()
  const [admin, current, sibling] = [fake.make('admin'), fake.make('atlas'), fake.make('nova')]
  let back: Promise<void> | undefined
  return {
    fake, admin, current: credentialOf(fake, current), siblings: [credentialOf(fake, sibling)],
    open: () => {
      // An outage lasts until the next run of keyturn.
      back = fake.restart()
      return openIssuer(configOf(fake), hostOf(fake, admin))
    },
    use: async ({ id }) => ({ alive: async () => fake.keys.get(id)?.on === true, close: async () => undefined }),
    inject: async (fault) => {
      if (fault === 'full') fake.make('atlas')
      else await fake.inject(fault)
    },
    close: async () => {
      await back
      await fake.close()
    },
  }
}

issuerSuite(proving({ connector: 'aws-iam', as: 'issuer', strategy: 'overlap', on: 'fake' }, describe), 'aws-iam', makeWorld)

async function inWorld(body: (world: World) => Promise<void>): Promise<void> {
  const world = await makeWorld()
  try {
    await body(world)
  } finally {
    await world.close()
  }
}

describe('access keys of IAM (S3-65)', () => {
  it('two keys are all: refused with what to do, in preflight and by AWS itself', () => inWorld(async ({ fake, current, open }) => {
    fake.make('atlas')
    const full = { is: 'refused', code: 'SLOTS_FULL' }
    expect(await open().preflight(current, 'pending', call())).toMatchObject(full)
    expect(await open().mint({ credential: open().propose(current), tag: 'a' }, call())).toMatchObject({ ...full, evidence: { status: 409, code: 'LimitExceededException' } })
  }))

  it('the last use is a use for a while, and then none', () => inWorld(async ({ fake, current, open }) => {
    const usesAfter = async (ms: number): Promise<unknown> => {
      const key = fake.keys.get(current.id)
      if (key !== undefined) key.lastUsed = Date.now() - ms
      const seen = await open().observe(call())
      return seen.is === 'done' ? seen.value.known.find(({ id }) => id === current.id)?.uses : seen
    }
    expect(await usesAfter(60_000)).toEqual([{ by: 's3@eu-central-1', count: 1 }])
    expect(await usesAfter(16 * 60_000)).toEqual([])
  }))

  it('the key that keyturn itself works with is never ended (I4)', () => inWorld(async ({ fake, admin }) => {
    const own = openIssuer({ ...configOf(fake), user: 'admin' }, hostOf(fake, admin))
    const mine = credentialOf(fake, admin)
    expect(await own.preflight(mine, 'pending', call())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE' })
    for (const state of ['off', 'gone'] as const) expect(await own.set(admin, state, call())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE' })
    expect(fake.keys.get(admin)?.on).toBe(true)
  }))

  it('a key of another user is left alone, and proves nothing', () => inWorld(async ({ fake, open, siblings }) => {
    const [nova] = siblings
    if (nova === undefined) throw new Error('no sibling')
    expect(await open().set(nova.id, 'gone', call())).toMatchObject({ is: 'done' })
    expect(fake.keys.get(nova.id)?.on).toBe(true)
    expect(await open().probe(nova, 'sts.eu-central-1', call())).toMatchObject({ value: { verdict: 'inconclusive', code: 'another-user' } })
  }))

  it('a wrong admin and one without rights are told apart', () => inWorld(async ({ fake, current, siblings }) => {
    const weak = openIssuer(configOf(fake), hostOf(fake, siblings[0]?.id ?? ''))
    expect(await weak.observe(call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', evidence: { code: 'AccessDenied' } })
    const wrong = openIssuer(configOf(fake), { ...hostOf(fake, ''), resolve: async () => new Secret(generate(ALNUM, 20)) })
    expect(await wrong.preflight(current, 'pending', call())).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED', evidence: { code: 'InvalidClientTokenId' } })
  }))
})

it('a package of AWS that is not installed is named, with what to do', async () => {
  const name = '@aws-sdk/client-none'
  await expect(optional(name, () => import(String(name)))).rejects.toMatchObject({ code: 'PACKAGE_MISSING', about: `${name} (npm install ${name})` })
})
