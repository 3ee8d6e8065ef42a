import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import type { Credential, Issuer } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import { type FakeZitadel, startFakeZitadel } from './fake.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './manifest.ts'

const call = () => callWithin(10_000)
const WHAT = {
  user: { user: { id: '201' } },
  application: { application: { project: '101', id: '301', client: '301@atlas' }, strategy: 'in-place' },
} as const

interface World extends IssuerWorld {
  readonly fake: FakeZitadel
  /** As this admin. */
  openAs(admin?: string): Issuer
}

async function makeWorld(what: keyof typeof WHAT): Promise<World> {
  const fake = await startFakeZitadel()
  let back: Promise<void> | undefined
  const openAs = (admin = fake.token) => {
    const host: Host = { base: '/', now: () => Date.now(), resolve: async () => new Secret(admin), conceal: () => undefined }
    return openIssuer(issuerSchema.parse({ url: fake.url, admin: '${env:ZITADEL_TOKEN}', ...WHAT[what] }), host)
  }
  const [web, other] = [fake.makeApplication('301'), fake.makeApplication('302')]
  const [own, strange] = what === 'user' ? [fake.makeKey('201'), fake.makeKey('202')] : ['', '']
  const ofUser = (text: string): Credential => ({ id: (JSON.parse(text) as { keyId: string }).keyId, fields: { secret: new Secret(text) } })
  return {
    fake, openAs,
    current: what === 'user' ? ofUser(own) : { id: web.client, fields: { secret: new Secret(web.secret) } },
    siblings: [what === 'user' ? ofUser(strange) : { id: other.client, fields: { secret: new Secret(other.secret) } }],
    open: () => {
      // An outage lasts until the next run of keyturn.
      back = fake.restart()
      return openAs()
    },
    // Access tokens live on whatever becomes of the key: what is asked is whether a new one would be had.
    use: async ({ id, fields }) => ({
      alive: async () => (what === 'user' ? fake.keys.has(id) : [...fake.applications.values()].some(({ client, secret }) => client === id && secret === fields['secret']?.reveal())),
      close: async () => undefined,
    }),
    inject: async (fault) => {
      if (fault === 'full') for (let left = 0; left < 4; left += 1) fake.makeKey('201')
      else await fake.inject(fault)
    },
    close: async () => {
      await back
      await fake.close()
    },
  }
}

issuerSuite(proving({ connector: 'zitadel', as: 'issuer', strategy: 'overlap', on: 'fake' }), 'zitadel keys', () => makeWorld('user'))
issuerSuite(proving({ connector: 'zitadel', as: 'issuer', strategy: 'in-place', on: 'fake' }), 'zitadel client secret', () => makeWorld('application'))

async function inWorld(what: keyof typeof WHAT, body: (world: World, verdict: (of: Credential) => Promise<unknown>) => Promise<void>): Promise<void> {
  const world = await makeWorld(what)
  const verdict = async (of: Credential): Promise<unknown> => {
    const answer = await world.openAs().probe(of, world.openAs().endpoints()[0] ?? '', call())
    return answer.is === 'done' ? answer.value : answer
  }
  try {
    await body(world, verdict)
  } finally {
    await world.close()
  }
}

describe('keys of a service account (S0-42, S0-48)', () => {
  it('a new key is a whole file of its user; an ended one gets no token any more', () => inWorld('user', async ({ openAs, current, fake }, verdict) => {
    const minted = await openAs().mint({ credential: { id: 'pending', fields: {} }, tag: 'a' }, call())
    const next = minted.is === 'done' ? minted.value.credential : current
    expect(JSON.parse(next.fields['secret']?.reveal() ?? '')).toMatchObject({ type: 'serviceaccount', keyId: next.id, userId: '201', key: expect.stringContaining('PRIVATE KEY') })
    expect([await verdict(current), await verdict(next)]).toEqual([{ verdict: 'accepted', code: '200' }, { verdict: 'accepted', code: '200' }])
    expect(await openAs().set(current.id, 'gone', call())).toMatchObject({ is: 'done' })
    expect([await verdict(current), await verdict(next)]).toEqual([{ verdict: 'rejected', code: '400 invalid_grant' }, { verdict: 'accepted', code: '200' }])
    expect([...fake.keys.values()].filter(({ userId }) => userId === '202')).toHaveLength(1)
  }))

  it('500 of an older Zitadel counts only of a key that it does not list (I12)', () => inWorld('user', async ({ openAs, current, fake }, verdict) => {
    fake.behaveAs('old')
    expect(await openAs().preflight(current, 'pending', call())).toMatchObject({ is: 'done' })
    const forged = { ...current, fields: { secret: new Secret(JSON.stringify({ ...JSON.parse(current.fields['secret']?.reveal() ?? '{}') as object, key: 'none' })) } }
    expect(await verdict(forged)).toEqual({ verdict: 'inconclusive', code: '500 server_error' })
    await openAs().set(current.id, 'gone', call())
    expect(await verdict(current)).toEqual({ verdict: 'rejected', code: '500 server_error, not listed' })
  }))

  it('a file of another user is none of ours', () => inWorld('user', async ({ openAs, siblings }) => {
    expect(openAs().idOf(siblings[0]?.fields ?? {})).toBeUndefined()
    expect(openAs().idOf({ secret: new Secret('no file') })).toBeUndefined()
  }))
})

describe('the client secret of an application (S0-37, S0-41)', () => {
  it.each([['as it is', undefined, '400 invalid_request'], ['after its fix', 'fixed', '400 invalid_grant']] as const)('the right one is told by the code that is none, the wrong one by invalid_client: %s', (_, version, code) => inWorld('application', async ({ openAs, current, fake }, verdict) => {
    if (version !== undefined) fake.behaveAs(version)
    expect(await verdict(current)).toEqual({ verdict: 'accepted', code })
    const minted = await openAs().mint({ credential: { id: 'pending', fields: {} }, tag: 'a' }, call())
    expect(await verdict(current)).toEqual({ verdict: 'rejected', code: '400 invalid_client' })
    if (minted.is === 'done') expect(await verdict(minted.value.credential)).toEqual({ verdict: 'accepted', code })
  }))

  it('an application that is not active gives no verdict, and is not rotated', () => inWorld('application', async ({ openAs, current, fake }, verdict) => {
    const web = fake.applications.get('301')
    if (web !== undefined) web.active = false
    expect(await verdict(current)).toEqual({ verdict: 'inconclusive', code: '400 invalid_client' })
    expect(await openAs().preflight(current, 'pending', call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
  }))

  it.each(['NONE', 'PRIVATE_KEY_JWT'] as const)('one that proves itself by %s has no secret to rotate', (method) => inWorld('application', async ({ openAs, current, fake }) => {
    const web = fake.applications.get('301')
    if (web !== undefined) web.method = method
    expect(await openAs().preflight(current, 'pending', call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
  }))
})

describe('the admin', () => {
  it.each(['user', 'application'] as const)('a wrong one, one without rights, and what is not there are told apart: %s', (what) => inWorld(what, async ({ openAs, fake }) => {
    expect(await openAs('nobody').observe(call())).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
    expect(await openAs('weak').mint({ credential: { id: 'pending', fields: {} }, tag: 'a' }, call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING' })
    fake.applications.clear()
    if (what === 'application') expect(await openAs().observe(call())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
  }))
})

describe('the configuration', () => {
  it('is of one thing, with the strategy that it can do', () => {
    const base = { url: 'https://auth.example', admin: '${env:A}' }
    const wrong = (more: object) => issuerSchema.safeParse({ ...base, ...more }).error?.issues.map(({ path }) => path.join('.'))
    expect(wrong({})).toEqual(['user'])
    expect(wrong({ user: { id: '1' }, strategy: 'in-place' })).toEqual(['strategy'])
    expect(wrong({ application: { project: '1', id: '2', client: '3' } })).toEqual(['strategy'])
    expect(wrong({ user: { id: '1' } })).toBeUndefined()
  })
})
