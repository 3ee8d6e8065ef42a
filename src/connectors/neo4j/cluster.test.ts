import { describe, expect, it, onTestFinished } from 'vitest'
import { hold, issuerAt, makeUser } from '../../../test/systems/neo4j/world.ts'
import { type Answer, type Credential, type Issuer, Secret } from '../../kit/index.ts'
import { callWithin } from '../../testing/call.ts'
import { until } from '../../testing/until.ts'
import { type FakeNeo4j, startFakeNeo4j, startFaultyBolt } from './fake.ts'
import { loadDriver } from './session.ts'
import { readUrl } from './target.ts'

interface Started {
  readonly server: FakeNeo4j
  readonly current: Credential
  open(config?: object, scheme?: string, port?: number): Issuer
}

async function start(options: Parameters<typeof startFakeNeo4j>[0] = {}): Promise<Started> {
  const server = await startFakeNeo4j(options)
  onTestFinished(() => server.close())
  const current = await makeUser({ makeUser: async (user, password) => {
    server.users.change('CREATE USER $user SET PASSWORD $password CHANGE NOT REQUIRED', { user, password })
  } }, 'app')
  const [first = 0] = server.ports
  return { server, current, open: (config = {}, scheme = 'bolt', port = first) => issuerAt({ port, admin: server.admin, edition: options.edition ?? 'community' }, { user: current.id, ...config }, scheme) }
}

function valueOf<T>(answer: Answer<T>): T {
  if (answer.is !== 'done') throw new Error(JSON.stringify(answer))
  return answer.value
}

const call = (): ReturnType<typeof callWithin> => callWithin(10_000)

describe('a cluster', () => {
  const nodesOf = (server: FakeNeo4j): object => ({ nodes: server.ports.map((port, at) => ({ name: `core-${at + 1}`, host: '127.0.0.1', port })) })

  it('has every server named, or is refused', async () => {
    const { server, current, open } = await start({ edition: 'enterprise', servers: 3 })
    expect(await open().preflight(current, `${current.id}_alt`, call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('the cluster has 3 servers') })
    expect(valueOf(await open(nodesOf(server), 'neo4j').preflight(current, `${current.id}_alt`, call())).evidence).toMatchObject({ nodes: 3 })
  })

  it('is changed at the server that leads; connections are counted and ended on each, and each is proven by itself', async () => {
    const { server, current, open } = await start({ edition: 'enterprise', servers: 2 })
    const issuer = open(nodesOf(server), 'neo4j')
    const next = issuer.propose(current)
    valueOf(await issuer.mint({ credential: next, tag: 'a' }, call()))
    expect(issuer.endpoints()).toEqual(['core-1', 'core-2'])
    for (const name of issuer.endpoints()) expect(valueOf(await issuer.probe(next, name, call()))).toMatchObject({ verdict: 'accepted' })
    const held = await Promise.all(server.ports.map((port) => hold(port, current)))
    expect(valueOf(await issuer.observe(call())).known[0]?.uses).toMatchObject([{ count: 2 }])
    expect(valueOf(await issuer.set(current.id, 'off', call())).evidence).toMatchObject({ ended: 2 })
    expect(await Promise.all(held.map((one) => one.alive()))).toEqual([false, false])
    for (const one of held) await one.close()
    const follower = await open(nodesOf(server), 'bolt', server.ports[1]).set(current.id, 'gone', call())
    expect(follower).toMatchObject({ is: 'refused', code: 'UNREACHABLE', about: expect.stringContaining('neo4j://') })
  })
})

describe('Community', () => {
  it('cannot turn a user off; one that is there is on, one that was dropped is not to be had again', async () => {
    const { current, open } = await start()
    expect(await open().set(current.id, 'off', call())).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
    expect((await open().set(current.id, 'on', call())).is).toBe('done')
    valueOf(await open().set(current.id, 'gone', call()))
    expect(await open().set(current.id, 'on', call())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
  })
})

describe('Enterprise', () => {
  it('gives the second user the roles and the home database of the first, and takes those it had left; off and on again (S2-18)', async () => {
    const { server, current, open } = await start({ edition: 'enterprise' })
    const own = server.users.all.get(current.id)
    for (const role of ['reader', 'shop']) own?.roles.add(role)
    if (own !== undefined) own.home = 'shop'
    const issuer = open()
    const next = issuer.propose(current)
    server.users.change('CREATE USER $user SET PASSWORD $password CHANGE REQUIRED SET STATUS SUSPENDED', { user: next.id, password: 'left-of-the-test' })
    server.users.all.get(next.id)?.roles.add('admin')
    valueOf(await issuer.preflight(current, next.id, call()))
    valueOf(await issuer.mint({ credential: next, tag: 'a' }, call()))
    const seen = server.users.all.get(next.id)
    expect({ ...seen, roles: [...(seen?.roles ?? [])], password: '' }).toEqual({ password: '', mustChange: false, suspended: false, home: 'shop', roles: ['reader', 'shop'], wrong: 0 })
    for (const [state, verdict] of [['off', 'rejected'], ['on', 'accepted'], ['off', 'rejected'], ['gone', 'rejected']] as const) {
      valueOf(await issuer.set(current.id, state, call()))
      expect(valueOf(await issuer.probe(current, 'primary', call()))).toMatchObject({ verdict })
    }
  })

  it('names every right that the admin lacks (S2-17)', async () => {
    const { server, current, open } = await start({ edition: 'enterprise' })
    const look = (config: object = {}): Promise<Answer<unknown>> => open(config).preflight(current, `${current.id}_alt`, call())
    const lacking = async (...actions: readonly string[]): Promise<string> => {
      server.users.actions.splice(0, Infinity, ...actions)
      const answer = await look()
      return answer.is === 'refused' && answer.code === 'RIGHTS_MISSING' ? (answer.about ?? '') : answer.is
    }
    const connections = 'TRANSACTION MANAGEMENT ON DATABASE *'
    expect(await lacking('match')).toBe(`neo4j lacks SHOW USER ON DBMS, CREATE USER ON DBMS, DROP USER ON DBMS, SET USER STATUS ON DBMS, ASSIGN ROLE ON DBMS, ${connections}`)
    expect(await lacking('user_management')).toBe(`neo4j lacks ASSIGN ROLE ON DBMS, ${connections}`)
    expect(await lacking('user_management', 'role_management')).toBe(`neo4j lacks ${connections}`)
    expect(await lacking('user_management', 'assign_role', 'transaction_management')).toBe('done')
    server.users.actions.splice(0, Infinity, 'show_user', 'transaction_management')
    expect(await look({ strategy: 'in-place' })).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: 'neo4j lacks SET PASSWORDS ON DBMS' })
  })

  it('is not taken for Community, whose users have no roles', async () => {
    const { server, current } = await start({ edition: 'enterprise' })
    const issuer = issuerAt({ port: server.ports[0] ?? 0, admin: server.admin, edition: 'community' }, { user: current.id })
    expect(await issuer.preflight(current, `${current.id}_alt`, call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('write `edition: enterprise`') })
  })
})

describe('what a server can lack', () => {
  it('the procedures for connections, named before anything is changed', async () => {
    const { server, current, open } = await start()
    server.procedures = false
    expect(await open().preflight(current, `${current.id}_alt`, call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('dbms.security.procedures.allowlist') })
  })

  it('patience: fewer wrong passwords than the manifest says, and a user that others shut out (I12)', async () => {
    const { server, current, open } = await start()
    const look = (config: object = {}): Promise<Answer<unknown>> => open(config).preflight(current, `${current.id}_alt`, call())
    server.attempts = 2
    expect(await look()).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('lockout: 2') })
    expect((await look({ lockout: 2 })).is).toBe('done')
    const wrong = { id: current.id, fields: { ...current.fields, password: new Secret('wrong-of-the-test') } }
    for (const _ of [1, 2, 3]) expect(valueOf(await open().probe(wrong, 'primary', call()))).toMatchObject({ verdict: 'rejected' })
    expect(valueOf(await open().probe(current, 'primary', call()))).toEqual({ verdict: 'inconclusive', code: 'ClientError.Security.AuthenticationRateLimit' })
    expect(await look({ lockout: 2 })).toMatchObject({ is: 'unknown', code: 'RATE_LIMITED' })
    server.users.forgive()
    expect((await look({ lockout: 2 })).is).toBe('done')
  })
})

describe('time', () => {
  it('no socket outlives the deadline, also when the server says nothing any more', async () => {
    const { server, current, open } = await start()
    const proxy = await startFaultyBolt({ port: server.ports[0] ?? 0 })
    onTestFinished(() => proxy.close())
    const ours = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
    const issuer = open({}, 'bolt', proxy.port)
    expect((await issuer.observe(call())).is).toBe('done')
    proxy.silence()
    const before = ours()
    expect(await issuer.observe(callWithin(300))).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    expect(await issuer.probe(current, 'primary', callWithin(300))).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    // The proxy keeps its own end and what it opened behind it: two of three for each login.
    await until(() => ours() <= before + 4)
  })
})

describe('the URL of the admin and the driver', () => {
  it.each([
    ['neo4j+s://ad%40min:p%3Aw@db.example', { scheme: 'neo4j', protection: '+s', host: 'db.example', port: 7687, user: 'ad@min' }],
    ['bolt+ssc://admin:pw@[::1]:7688/neo4j?x=1', { scheme: 'bolt', protection: '+ssc', host: '::1', port: 7688, user: 'admin' }],
    ['bolt://admin:pw@10.0.0.1', { scheme: 'bolt', protection: '', host: '10.0.0.1', port: 7687, user: 'admin' }],
  ])('%s', (url, target) => {
    expect(readUrl(new Secret(url))).toMatchObject(target)
  })

  it.each(['http://admin:pw@db', 'bolt+x://admin:pw@db', 'db:7687', 'bolt://%zz:pw@db'])('refuses %s and does not quote it', (url) => {
    expect(() => readUrl(new Secret(url))).toThrow(expect.objectContaining({ code: 'REFERENCE_UNRESOLVED', message: expect.not.stringContaining('pw') }))
  })

  it('names the package that is to be installed', async () => {
    await expect(loadDriver(() => Promise.reject(new Error('none')))).rejects.toMatchObject({ code: 'PACKAGE_MISSING', about: 'neo4j-driver (npm install neo4j-driver@6)' })
  })
})
