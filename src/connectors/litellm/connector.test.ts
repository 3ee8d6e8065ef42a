import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import type { Credential } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import { type FakeLiteLlm, startFakeLiteLlm } from './fake.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './manifest.ts'

const call = () => callWithin(10_000)
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex')
const credentialOf = (key: string): Credential => ({ id: hashOf(key), fields: { key: new Secret(key) } })

interface World extends IssuerWorld {
  readonly fake: FakeLiteLlm
  /** As this admin, the master key when absent. */
  openAs(admin?: string, more?: object): ReturnType<typeof openIssuer>
}

async function makeWorld(): Promise<World> {
  const fake = await startFakeLiteLlm()
  const current = fake.make('cell-atlas', { models: ['planner'], max_budget: 25, metadata: { cell: 'atlas' } })
  const sibling = fake.make('cell-nova')
  let back: Promise<void> | undefined
  const openAs = (admin = fake.master, more: object = {}) => {
    const host: Host = { base: '/', now: () => Date.now(), resolve: async () => new Secret(admin), conceal: () => undefined }
    // A fresh key is known everywhere at once here.
    return openIssuer(issuerSchema.parse({ url: fake.url, admin: '${env:LITELLM_MASTER_KEY}', alias: 'cell-atlas', cached: '1s', lag: '1ms', ...more }), host)
  }
  return {
    fake, openAs, current: credentialOf(current), siblings: [credentialOf(sibling)],
    open: () => {
      // An outage lasts until the next run of keyturn.
      back = fake.restart()
      return openAs()
    },
    use: async ({ fields }) => ({
      alive: async () => (await fetch(`${fake.url}/v1/models`, { headers: { authorization: `Bearer ${fields['key']?.reveal() ?? ''}` } })).ok,
      close: async () => undefined,
    }),
    inject: async (fault) => {
      if (fault === 'full') for (const left of ['a', 'b', 'c', 'd']) fake.make(`cell-atlas/${left}`)
      else await fake.inject(fault)
    },
    close: async () => {
      await back
      await fake.close()
    },
  }
}

issuerSuite(proving({ connector: 'litellm', as: 'issuer', strategy: 'overlap', on: 'fake' }), 'litellm', makeWorld)

async function inWorld(body: (world: World) => Promise<void>): Promise<void> {
  const world = await makeWorld()
  try {
    await body(world)
  } finally {
    await world.close()
  }
}

describe('virtual keys of LiteLLM', () => {
  it('a new key may do what the one in use may, under an alias of its own (S0-14)', () => inWorld(async ({ fake, openAs, current, siblings }) => {
    const minted = await openAs(fake.master, { duration: '90d' }).mint({ credential: { id: 'pending', fields: {} }, tag: 'kt-1' }, call())
    const made = minted.is === 'done' ? fake.keys.get(minted.value.credential.id) : undefined
    expect(made).toMatchObject({ key_alias: 'cell-atlas/kt-1', models: ['planner'], max_budget: 25, metadata: { cell: 'atlas' } })
    expect(fake.keys.get(current.id)).toMatchObject({ key_alias: 'cell-atlas', blocked: null })
    expect(fake.keys.get(siblings[0]?.id ?? '')).toMatchObject({ key_alias: 'cell-nova', blocked: null })
  }))

  it('a key that is off, gone, or has run out is rejected in LiteLLM\'s own words (S0-24)', () => inWorld(async ({ fake, openAs, current }) => {
    const issuer = openAs()
    const verdict = async (of: Credential) => {
      const answer = await issuer.probe(of, issuer.endpoints()[0] ?? '', call())
      return answer.is === 'done' ? answer.value : answer
    }
    const expired = credentialOf(fake.make('cell-atlas/x', { expires: new Date(Date.now() - 1_000).toISOString() }))
    expect(await verdict(expired)).toEqual({ verdict: 'rejected', code: '401 expired' })
    await issuer.set(current.id, 'off', call())
    expect(await verdict(current)).toEqual({ verdict: 'rejected', code: '401 blocked' })
    await issuer.set(current.id, 'gone', call())
    expect(await verdict(current)).toEqual({ verdict: 'rejected', code: '401 no such key' })
  }))

  it('a blocked team is no verdict on the key (I12)', () => inWorld(async ({ fake, openAs }) => {
    const issuer = openAs()
    const teamed = credentialOf(fake.make('cell-atlas/t', { team_id: 'blocked' }))
    expect(await issuer.probe(teamed, issuer.endpoints()[0] ?? '', call())).toMatchObject({ value: { verdict: 'inconclusive', code: '401' } })
  }))

  it('the last use is a use for a while; a LiteLLM that does not tell it says so', () => inWorld(async ({ fake, openAs, current, use }) => {
    const usesOf = async (): Promise<unknown> => {
      const seen = await openAs().observe(call())
      return seen.is === 'done' ? [seen.value.known.find(({ id }) => id === current.id)?.uses, seen.value.seenUpTo > 0] : seen
    }
    expect(await usesOf()).toEqual([[], true])
    await (await use(current)).alive()
    expect(await usesOf()).toEqual([[{ by: 'key', count: 1 }], true])
    fake.forgetUse()
    expect(await usesOf()).toEqual([[], false])
    expect(await openAs().preflight(current, 'pending', call())).toMatchObject({ value: { notices: expect.arrayContaining([expect.stringContaining('quiet: 0s')]) } })
  }))

  it('the list is read to its last page', () => inWorld(async ({ fake, openAs, current }) => {
    for (let other = 0; other < 250; other += 1) fake.make(`other-${other}`)
    fake.make('cell-atlas/late')
    const seen = await openAs().observe(call())
    expect(seen).toMatchObject({ value: { complete: true, known: [{ id: current.id }, { tag: 'late' }] } })
  }))

  it('a wrong admin, one without rights, and the key itself as the admin are told apart (I4)', () => inWorld(async ({ openAs, current, siblings }) => {
    expect(await openAs('sk-nobody').observe(call())).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
    expect(await openAs(siblings[0]?.fields['key']?.reveal()).observe(call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING' })
    expect(await openAs(current.fields['key']?.reveal()).preflight(current, 'pending', call())).toMatchObject({ is: 'refused' })
  }))

  it('an alias that is taken is refused: certainly no second key (I3)', () => inWorld(async ({ fake, openAs }) => {
    fake.make('cell-atlas/kt-1')
    const before = fake.keys.size
    expect(await openAs().mint({ credential: { id: 'pending', fields: {} }, tag: 'kt-1' }, call())).toMatchObject({ is: 'refused', code: 'REQUEST_REFUSED', evidence: { status: 400 } })
    expect(fake.keys.size).toBe(before)
  }))
})
