import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certify } from '../../../test/fixture/certificates.ts'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Issuer } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import { type FakeElastiCache, startFakeElastiCache } from './fake.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './manifest.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyturn-elasticache-'))
const authority = certify({ commonName: 'authority' })
const tls = certify({ commonName: 'cache', names: ['127.0.0.1'], by: authority })
beforeAll(() => writeFileSync(join(folder, 'ca.pem'), authority.cert))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface World extends IssuerWorld {
  readonly fake: FakeElastiCache
  /** What the consumers read: the token that was rotated in last, unless `kept` is another one. */
  readonly store: { kept?: string }
}

async function makeWorld(): Promise<World> {
  const token = generate(ALNUM, 32)
  const fake = await startFakeElastiCache(tls, token)
  const config = issuerSchema.parse({
    region: 'eu-central-1', endpoint: fake.url, adminKey: '${env:KEY}', adminSecret: '${env:KEY}', group: 'atlas', inUse: '${env:TOKEN}',
    endpoints: [{ name: 'primary', host: '127.0.0.1', port: fake.port }], ca: 'ca.pem', every: '5ms',
  })
  const store: World['store'] = {}
  // Whoever publishes puts the token that was rotated in last there.
  const resolve: Host['resolve'] = async (text) => new Secret(text === '${env:TOKEN}' ? (store.kept ?? fake.group.tokens.at(-1) ?? '') : 'key')
  let back: Promise<void> | undefined
  const open = (): Issuer => {
    // An outage lasts until the next run of keyturn.
    back = fake.restart()
    return openIssuer(config, { base: folder, now: () => Date.now(), resolve, conceal: () => undefined })
  }
  const fields = { token: new Secret(token) }
  return {
    fake, store, open, siblings: [], current: { id: open().idOf(fields) ?? '', fields },
    use: async (credential) => ({ alive: async () => fake.group.tokens.includes(credential.fields['token']?.reveal() ?? ''), close: async () => undefined }),
    inject: async (fault) => {
      if (fault !== 'full') return fake.inject(fault)
      fake.group.tags.set('keyturn:last', 'atlas/of-another-rotation').set('keyturn:before', 'atlas/before')
    },
    close: async () => {
      await back
      await fake.close()
    },
  }
}

issuerSuite(proving({ connector: 'aws-elasticache', as: 'issuer', strategy: 'overlap', on: 'fake' }, describe), 'aws-elasticache', makeWorld)

const call = () => callWithin(10_000)

async function inWorld(body: (world: World, issuer: Issuer) => Promise<void>): Promise<void> {
  const world = await makeWorld()
  try {
    await body(world, world.open())
  } finally {
    await world.close()
  }
}

const verdictOf = async (issuer: Issuer, token: Secret): Promise<unknown> => {
  const seen = await issuer.probe({ id: '', fields: { token } }, 'primary', call())
  return seen.is === 'done' ? seen.value : seen
}
const ACCEPTED = { verdict: 'accepted', code: 'OK' }
const REJECTED = { verdict: 'rejected', code: 'WRONGPASS' }

/** A token beside the one in use. */
async function mintNext({ current }: World, issuer: Issuer): Promise<{ readonly id: string; readonly token: Secret }> {
  const credential = issuer.propose(current)
  expect(await issuer.mint({ credential, tag: 'a' }, call())).toMatchObject({ is: 'done' })
  return { id: credential.id, token: credential.fields['token'] ?? new Secret('') }
}

describe('the AUTH token of a replication group', () => {
  it('is rotated in beside the old one, and then set alone', () => inWorld(async (world, issuer) => {
    const { fake, current } = world
    const old = current.fields['token'] ?? new Secret('')
    const next = await mintNext(world, issuer)
    expect(await Promise.all([old, next.token].map((token) => verdictOf(issuer, token)))).toEqual([ACCEPTED, ACCEPTED])
    expect(await issuer.set(current.id, 'gone', call())).toMatchObject({ is: 'done', value: { evidence: { absent: false } } })
    expect(await Promise.all([old, next.token].map((token) => verdictOf(issuer, token)))).toEqual([REJECTED, ACCEPTED])
    expect(fake.modified).toEqual(['ROTATE', 'SET'])
    expect([...fake.group.tags]).toEqual([])
  }))

  it('that takes AWS longer than a call is unknown; who asks again waits, and rotates no second one in', () => inWorld(async ({ fake, current, open }, issuer) => {
    fake.group.patience = Number.POSITIVE_INFINITY
    const credential = issuer.propose(current)
    expect(await issuer.mint({ credential, tag: 'a' }, callWithin(300))).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    if (fake.group.pending !== undefined) fake.group.pending.left = 3
    expect(await open().mint({ credential, tag: 'a' }, call())).toMatchObject({ is: 'done', value: { evidence: { again: true } } })
    expect(fake.modified).toEqual(['ROTATE'])
  }))

  it('is not ended while the consumers still read it', () => inWorld(async (world, issuer) => {
    const { fake, store, current } = world
    await mintNext(world, issuer)
    store.kept = current.fields['token']?.reveal() ?? ''
    expect(await issuer.set(current.id, 'gone', call())).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
    expect(fake.modified).toEqual(['ROTATE'])
  }))

  it('is not set to one that nobody could log in with', () => inWorld(async (world, issuer) => {
    const { fake, store, current } = world
    await mintNext(world, issuer)
    store.kept = generate(ALNUM, 32)
    expect(await issuer.set(current.id, 'gone', call())).toMatchObject({ is: 'refused', code: 'CREDENTIAL_REJECTED' })
    expect(fake.modified).toEqual(['ROTATE'])
  }))

  it('is gone back to by rotating the old one in again: AWS sets only the one that was rotated in last (I9)', () => inWorld(async (world, issuer) => {
    const { fake, store, current } = world
    const old = current.fields['token'] ?? new Secret('')
    const next = await mintNext(world, issuer)
    store.kept = old.reveal()
    expect(await issuer.set(next.id, 'gone', call())).toMatchObject({ is: 'done' })
    expect(await Promise.all([old, next.token].map((token) => verdictOf(issuer, token)))).toEqual([ACCEPTED, REJECTED])
    expect(fake.modified).toEqual(['ROTATE', 'ROTATE', 'SET'])
  }))

  it.each([
    ['that is being modified', (fake: FakeElastiCache) => { fake.group.pending = { strategy: 'ROTATE', token: '', left: 9 } }, 'CONFLICT'],
    ['without a token', (fake: FakeElastiCache) => { fake.group.tokens = [] }, 'PRECONDITION_FAILED'],
    ['without encryption in transit', (fake: FakeElastiCache) => { fake.group.encrypted = false }, 'PRECONDITION_FAILED'],
    ['with a rotation that nobody finished', (fake: FakeElastiCache) => { fake.group.tags.set('keyturn:last', 'atlas/x') }, 'SLOTS_FULL'],
  ] as const)('preflight refuses a group %s', (_, make, code) => inWorld(async ({ fake, current, store }, issuer) => {
    store.kept = current.fields['token']?.reveal() ?? ''
    make(fake)
    expect(await issuer.preflight(current, 'next', call())).toMatchObject({ is: 'refused', code })
    expect(fake.modified).toEqual([])
  }))

  it('preflight refuses a reference that does not give what the stores hold', () => inWorld(async ({ current, store }, issuer) => {
    store.kept = generate(ALNUM, 32)
    expect(await issuer.preflight(current, 'next', call())).toMatchObject({ is: 'refused', code: 'STORE_DRIFT' })
  }))

  it('a server that is full or silent says nothing of a token', () => inWorld(async ({ fake, current }, issuer) => {
    fake.group.full = true
    expect(await verdictOf(issuer, current.fields['token'] ?? new Secret(''))).toEqual({ verdict: 'inconclusive', code: 'ERR' })
    fake.group.full = false
    fake.group.silent = true
    const short = callWithin(300)
    expect(await issuer.probe(current, 'primary', short)).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    expect(Date.now()).toBeLessThan(short.deadline + 2_000)
  }))

  it('a new one is as AWS takes it: 16 to 128 printable characters', () => inWorld(async ({ current }, issuer) => {
    expect(issuer.propose(current).fields['token']?.reveal()).toMatch(/^[A-Za-z0-9]{64}$/)
  }))
})
