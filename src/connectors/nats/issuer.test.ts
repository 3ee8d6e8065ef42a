import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { configOf, hostOf, lookUp, makeAccount, makeNatsWorld, makeRealm, type NatsServer, type NatsWorld, NO_LIMITS } from '../../../test/servers/nats.ts'
import type { Answer } from '../../kit/answer.ts'
import type { Issuer } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { CHANGE } from './fake.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './manifest.ts'
import { type PretendedNats, startPretendedNats } from './provider.ts'
import { readCreds, readUser } from './user.ts'

const call = () => callWithin(10_000)
let server: NatsServer & PretendedNats
const worlds: NatsWorld[] = []

beforeAll(async () => {
  const realm = await makeRealm()
  server = { ...(await startPretendedNats(realm)), realm }
})
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})
afterAll(() => server.close())

async function make(options: { readonly scoped?: boolean } = {}): Promise<NatsWorld> {
  const world = await makeNatsWorld(server, options)
  worlds.push(world)
  return world
}

/** On the same account, with other words in the manifest or other references. */
function openWith(world: NatsWorld, more: object, env: Readonly<Record<string, string>> = {}): Issuer {
  const { issuer, env: right } = configOf(server, world.account, world.proxy.port, more)
  return openIssuer(issuerSchema.parse(issuer), hostOf({ ...right, ...env }))
}

const preflight = (issuer: Issuer, { current }: NatsWorld): Promise<Answer<unknown>> => issuer.preflight(current, issuer.propose(current).id, call())
const mint = (issuer: Issuer, { current }: NatsWorld, tag = 'kt-1'): ReturnType<Issuer['mint']> => issuer.mint({ credential: issuer.propose(current), tag }, call())
const changes = ({ proxy }: NatsWorld): number => proxy.wire().split('PUB $SYS.REQ.CLAIMS.UPDATE').length - 1

describe('the keys that sign', () => {
  it('are named when a server does not trust the one of the operator, and nothing is sent: it would be kept, and lock the account out (C-22)', async () => {
    const [world, other] = [await make(), await makeRealm()]
    const issuer = openWith(world, {}, { NATS_OPERATOR: other.operator })
    for (const answer of [await preflight(issuer, world), await mint(issuer, world), await issuer.set(world.current.id, 'gone', call())]) {
      expect(answer).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringMatching(/`operator`, O[A-Z2-7]{55}$/) })
    }
    expect(changes(world)).toBe(0)
  })

  it('are named when the account does not know the one that signs users', async () => {
    const [world, other] = [await make(), await makeAccount(server)]
    expect(await preflight(openWith(world, {}, { NATS_SIGNER: other.signer }), world)).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('`signer`') })
  })

  it('are seeds of the right kind, and `system` is the text of a .creds file', async () => {
    const world = await make()
    for (const [name, value] of [['NATS_OPERATOR', world.account.signer], ['NATS_SIGNER', server.realm.operator], ['NATS_SIGNER', 'nonsense'], ['NATS_SYSTEM', 'nonsense']] as const) {
      expect(await preflight(openWith(world, {}, { [name]: value }), world)).toMatchObject({ is: 'refused', code: 'REFERENCE_UNRESOLVED' })
    }
  })

  it('are of no use to a user of another account than the system account, nor to one that is not let in', async () => {
    const world = await make()
    const credsOf = ({ fields }: typeof world.current): string => `-----BEGIN NATS USER JWT-----\n${fields['jwt']?.reveal()}\n------END NATS USER JWT------\n-----BEGIN USER NKEY SEED-----\n${fields['seed']?.reveal()}\n------END USER NKEY SEED------\n`
    expect(await preflight(openWith(world, {}, { NATS_SYSTEM: credsOf(world.current) }), world)).toMatchObject({ is: 'refused', code: 'REQUEST_REFUSED' })
    const stranger = await (await makeRealm()).systemUser()
    expect(await preflight(openWith(world, {}, { NATS_SYSTEM: stranger }), world)).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
  })
})

describe('a server that speaks no TLS', () => {
  it('is shown nothing by who asks for it', async () => {
    const world = await make()
    const url = `tls://127.0.0.1:${world.proxy.port}`
    const issuer = openWith(world, { servers: [url] })
    expect(await issuer.probe(world.current, url, call())).toMatchObject({ is: 'done', value: { verdict: 'inconclusive' } })
    expect(await preflight(issuer, world)).toMatchObject({ code: 'UNREACHABLE' })
    expect(world.proxy.wire()).not.toContain('CONNECT')
  })
})

describe('what a new user may do', () => {
  const pub = { allow: ['work.>'] }

  it('is what the current one may, or it is refused before anything is changed', async () => {
    const world = await make()
    expect(await preflight(openWith(world, { claims: { pub } }), world)).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('`claims`') })
    const bound = { ...world, current: await world.account.user('worker', { pub, subs: 7 }) }
    expect(await preflight(world.open(), bound)).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
    const issuer = openWith(world, { claims: { pub, subs: 7 }, expires: '90d' })
    expect((await preflight(issuer, bound)).is).toBe('done')
    const minted = await mint(issuer, bound)
    const made = readUser(minted.is === 'done' ? minted.value.credential.fields['jwt'] : undefined)
    expect(made).toMatchObject({ name: 'worker', account: world.account.key.getPublicKey(), claims: { pub, subs: 7, data: -1 } })
    expect((made?.expires ?? 0) - Date.now() / 1000).toBeGreaterThan(89 * 86_400)
  })

  it('is said by the role of a scoped signing key, and by nothing else', async () => {
    const world = await make({ scoped: true })
    expect(await preflight(openWith(world, { claims: { pub } }), world)).toMatchObject({ is: 'refused', code: 'MANIFEST_INVALID' })
    expect((await preflight(world.open(), world)).is).toBe('done')
    const minted = await mint(world.open(), world)
    expect(readUser(minted.is === 'done' ? minted.value.credential.fields['jwt'] : undefined)?.claims).toEqual({ type: 'user', version: 2 })
  })
})

describe('the account', () => {
  it('keeps all else of its JWT when users come and go', async () => {
    const world = await make()
    await world.account.write({ tags: ['team:a'], description: 'ours', revocations: { UABC: 7 }, limits: { ...NO_LIMITS, conn: 50 } })
    const before = await lookUp(server, world.account)
    const issuer = world.open()
    await mint(issuer, world)
    await issuer.set(world.current.id, 'gone', call())
    const after = await lookUp(server, world.account)
    expect(after.nats).toEqual({ ...before.nats, tags: ['team:a', expect.stringMatching(/^keyturn:worker:U[A-Z2-7]{55}:kt-1$/)], revocations: { UABC: 7, [world.current.id]: 253_402_300_799 } })
  })

  it('is changed by several at once, and no change is lost', async () => {
    const world = await make()
    const others = ['one', 'two', 'three']
    // One of them has read the account before the others write, and writes after them.
    world.proxy.inject({ on: CHANGE, act: 'hold', ms: 150 })
    const answers = await Promise.all(others.map((user) => mint(openWith(world, { user }), world, user)))
    expect(answers.map(({ is }) => is)).toEqual(['done', 'done', 'done'])
    const { tags = [] } = (await lookUp(server, world.account)).nats
    for (const user of others) expect(tags.filter((tag) => tag.startsWith(`keyturn:${user}:`) && tag.endsWith(`:${user}`)).length, user).toBe(1)
  })

  it('revokes once: an end whose answer was lost is repeated without another write (X-05)', async () => {
    const world = await make()
    const issuer = world.open()
    await mint(issuer, world)
    const used = await world.use(world.current)
    world.proxy.inject({ on: CHANGE, act: 'lose-answer' })
    expect(await issuer.set(world.current.id, 'gone', call())).toMatchObject({ is: 'unknown' })
    const written = changes(world)
    expect((await world.open().set(world.current.id, 'gone', call())).is).toBe('done')
    expect([changes(world), await used.alive()]).toEqual([written, false])
    expect(await issuer.set(world.current.id, 'on', call())).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
  })

  it('shows who uses a user, by the names of clients, also of one that was not written down yet (K-25)', async () => {
    const world = await make()
    const used = await world.use(world.current)
    const seen = await world.open().observe(call())
    expect(seen).toMatchObject({ is: 'done', value: { complete: false, known: [{ id: world.current.id, state: 'on', uses: [{ by: 'consumer@127.0.0.1', count: 1 }] }] } })
    await used.close()
  })

  it('is never asked to end the user that keyturn itself works with (I4)', async () => {
    const world = await make()
    const id = readUser(readCreds(new Secret(server.realm.system))?.jwt)?.id ?? ''
    expect(await world.open().set(id, 'gone', call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING' })
  })
})
