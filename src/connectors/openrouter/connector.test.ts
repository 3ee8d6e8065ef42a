import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import type { Credential } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import { type FakeKey, type FakeOpenRouter, startFakeOpenRouter } from './fake.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './manifest.ts'

const call = () => callWithin(10_000)

interface World extends IssuerWorld {
  readonly fake: FakeOpenRouter
  /** As this admin, the management key when absent. */
  openAs(admin?: string): ReturnType<typeof openIssuer>
  credentialOf(key: string): Credential
}

async function makeWorld(): Promise<World> {
  const fake = await startFakeOpenRouter()
  let back: Promise<void> | undefined
  const openAs = (admin = fake.management) => {
    const host: Host = { base: '/', now: () => Date.now(), resolve: async () => new Secret(admin), conceal: () => undefined }
    return openIssuer(issuerSchema.parse({ url: `${fake.url}/api/v1`, admin: '${env:OPENROUTER_MANAGEMENT_KEY}', name: 'atlas planner', lag: '1ms' }), host)
  }
  const credentialOf = (key: string): Credential => ({ id: openAs().idOf({ key: new Secret(key) }) ?? '', fields: { key: new Secret(key) } })
  const current = fake.make('atlas planner', { limit: 100, limit_reset: 'monthly' })
  const sibling = fake.make('nova planner')
  return {
    fake, openAs, credentialOf, current: credentialOf(current), siblings: [credentialOf(sibling)],
    open: () => {
      // An outage lasts until the next run of keyturn.
      back = fake.restart()
      return openAs()
    },
    use: async ({ fields }) => ({
      alive: async () => (await fetch(`${fake.url}/api/v1/key`, { headers: { authorization: `Bearer ${fields['key']?.reveal() ?? ''}` } })).ok,
      close: async () => undefined,
    }),
    inject: async (fault) => {
      if (fault === 'full') for (const left of ['a', 'b', 'c', 'd']) fake.make(`atlas planner [${left}]`)
      else await fake.inject(fault)
    },
    close: async () => {
      await back
      await fake.close()
    },
  }
}

issuerSuite(proving({ connector: 'openrouter', as: 'issuer', strategy: 'overlap', on: 'fake' }), 'openrouter', makeWorld)

async function inWorld(body: (world: World) => Promise<void>): Promise<void> {
  const world = await makeWorld()
  try {
    await body(world)
  } finally {
    await world.close()
  }
}

describe('API keys of OpenRouter (S0-26)', () => {
  const named = ({ fake }: World, name: string): FakeKey | undefined => [...fake.keys.values()].find((key) => key.name === name)

  it('a new key has the limits of the one in use, and the tag in its name', () => inWorld(async (world) => {
    expect(await world.openAs().mint({ credential: { id: 'pending', fields: {} }, tag: 'kt-1' }, call())).toMatchObject({ is: 'done' })
    expect(named(world, 'atlas planner [kt-1]')).toMatchObject({ limit: 100, limit_reset: 'monthly', disabled: false })
    expect(named(world, 'nova planner')).toMatchObject({ limit: null, disabled: false })
  }))

  it('a disabled key and one that is deleted are refused with 401 (S0-30)', () => inWorld(async ({ openAs, current }) => {
    const issuer = openAs()
    for (const state of ['off', 'gone'] as const) {
      expect(await issuer.set(current.id, state, call())).toMatchObject({ is: 'done' })
      expect(await issuer.probe(current, issuer.endpoints()[0] ?? '', call())).toMatchObject({ value: { verdict: 'rejected', code: '401' } })
    }
  }))

  it('of two keys with one label none is touched (I5)', () => inWorld(async ({ fake, openAs, current }) => {
    fake.make('atlas planner [twin]', { label: current.id })
    expect(await openAs().preflight(current, 'pending', call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
    for (const state of ['off', 'gone'] as const) expect(await openAs().set(current.id, state, call())).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
    expect([...fake.keys.values()].every(({ disabled }) => !disabled)).toBe(true)
  }))

  it('the last use is a use for a while; a list without it says so', () => inWorld(async ({ fake, openAs, current, use }) => {
    const usesOf = async (): Promise<unknown> => {
      const seen = await openAs().observe(call())
      return seen.is === 'done' ? [seen.value.known.find(({ id }) => id === current.id)?.uses, seen.value.seenUpTo > 0] : seen
    }
    expect(await usesOf()).toEqual([[], true])
    await (await use(current)).alive()
    expect(await usesOf()).toEqual([[{ by: 'key', count: 1 }], true])
    fake.forgetUse()
    expect(await usesOf()).toEqual([[], false])
  }))

  it('the list is read to its last page, disabled keys too', () => inWorld(async ({ fake, openAs, current }) => {
    for (let other = 0; other < 250; other += 1) fake.make(`other ${other}`)
    fake.make('atlas planner [late]', { disabled: true })
    expect(await openAs().observe(call())).toMatchObject({ value: { complete: true, known: [{ id: current.id, state: 'on' }, { tag: 'late', state: 'off' }] } })
  }))

  it('a wrong management key and a key that is none are told apart', () => inWorld(async ({ fake, openAs, siblings }) => {
    expect(await openAs('sk-or-v1-nobody').observe(call())).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
    expect(await openAs(siblings[0]?.fields['key']?.reveal()).observe(call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING' })
    expect(fake.keys.size).toBe(2)
  }))
})
