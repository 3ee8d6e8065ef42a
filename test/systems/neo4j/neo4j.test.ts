import { randomBytes } from 'node:crypto'
import neo4j from 'neo4j-driver'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../demo/until.ts'
import { type Answer, type Credential, Secret } from '../../../src/kit/index.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { issuerSuite } from '../../../src/testing/issuer.ts'
import { proves, proving } from '../claims.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'
import { type Neo4j, startNeo4j, THREADS } from './server.ts'
import { hold, issuerAt, makeUser, makeWorld, type Reached } from './world.ts'

// One file: two servers at once would take each other's time, and the load counts it.
let server: Neo4j
let reached: Reached
beforeAll(async () => {
  server = await startNeo4j()
  reached = { port: server.port, admin: server.admin, edition: 'community', fill, async makeUser(user, password) {
    await server.ask('CREATE USER $user SET PASSWORD $password CHANGE NOT REQUIRED', { user, password })
  } }
})
afterAll(() => server?.stop())

/**
 * More writers than there are threads wait for what one transaction holds; each of them holds its thread. The server ends them by itself:
 * whoever called it off would need a thread too.
 */
async function fill(): Promise<() => Promise<void>> {
  const driver = neo4j.driver(`bolt://127.0.0.1:${server.port}`, neo4j.auth.basic(server.admin.user, server.admin.password), { maxTransactionRetryTime: 0, disableAutoCommitRetries: true })
  const database = 'neo4j'
  await driver.executeQuery('MERGE (:Held {at: 1})', {}, { database })
  const holder = driver.session({ database })
  const transaction = await holder.beginTransaction({ timeout: 5_000 })
  await transaction.run('MATCH (n:Held) SET n.at = 2')
  const waiting = Array.from({ length: THREADS + 2 }, () => driver.session({ database }).run('MATCH (n:Held) SET n.at = 3', {}, { timeout: 5_000 }).then(() => true, () => false))
  await until('no thread is free', 20_000, async () => {
    const late = neo4j.driver(`bolt://127.0.0.1:${server.port}`, neo4j.auth.basic(server.admin.user, server.admin.password))
    return late.getServerInfo().then(() => undefined, () => true).finally(() => late.close())
  })
  return async () => {
    await Promise.all(waiting)
    await driver.close()
  }
}

for (const strategy of ['alternate', 'in-place'] as const) {
  issuerSuite(proving(() => ({ connector: 'neo4j', as: 'issuer', strategy, on: server.version })), `neo4j ${strategy}, real Neo4j Community`, () => makeWorld(reached, strategy))
}

function valueOf<T>(answer: Answer<T>): T {
  if (answer.is !== 'done') throw new Error(JSON.stringify(answer))
  return answer.value
}

const WRONG = { verdict: 'rejected', code: 'ClientError.Security.Unauthorized' }

/** What the server says of all users but those of one pair. */
async function others(except: Credential): Promise<readonly unknown[]> {
  return (await server.ask('SHOW USERS WITH AUTH')).filter(({ user }) => !String(user).startsWith(except.id))
}

describe('facts of the server', () => {
  it('connections outlive a changed password and a dropped user, with all rights; gone ends them, and no sibling\'s (I7, S0-13, S1-61)', async () => {
    const [current, sibling] = [await makeUser(reached, 'app'), await makeUser(reached, 'sibling')]
    const before = await others(current)
    const stray = await makeUser(reached, 'stray')
    const outlives = await hold(server.port, stray)
    await server.ask('ALTER USER $user SET PASSWORD $password CHANGE NOT REQUIRED', { user: stray.id, password: 'another-of-the-test' })
    expect(await outlives.alive()).toBe(true)
    await server.ask('DROP USER $user', { user: stray.id })
    expect(await outlives.alive()).toBe(true)
    await outlives.close()

    const issuer = issuerAt(reached, { user: current.id })
    const next = issuer.propose(current)
    valueOf(await issuer.preflight(current, next.id, callWithin(20_000)))
    valueOf(await issuer.mint({ credential: next, tag: 'test' }, callWithin(20_000)))
    const [old, fresh, other] = [await hold(server.port, current), await hold(server.port, next), await hold(server.port, sibling)]
    const seen = valueOf(await issuer.observe(callWithin(20_000)))
    expect(seen.known).toMatchObject([{ id: current.id, uses: [{ by: expect.stringMatching(/^neo4j-javascript\/[\d.]+@127\.0\.0\.1$/), count: 1 }] }, { id: next.id, uses: [{ count: 1 }] }])
    expect(Math.abs((seen.clock ?? 0) - Date.now())).toBeLessThan(20_000)
    expect(valueOf(await issuer.set(current.id, 'gone', callWithin(20_000))).evidence).toMatchObject({ absent: false, ended: 1 })
    expect([await old.alive(), await fresh.alive(), await other.alive()]).toEqual([false, true, true])
    expect(valueOf(await issuer.probe(current, 'primary', callWithin(20_000)))).toEqual(WRONG)
    expect(valueOf(await issuer.probe(next, 'primary', callWithin(20_000)))).toEqual({ verdict: 'accepted', code: 'OK' })
    for (const one of [old, fresh, other]) await one.close()
    expect(await others(current)).toEqual(before)
    expect((await server.ask('SHOW USERS')).filter(({ user }) => String(user).startsWith(current.id))).toMatchObject([{ user: next.id, passwordChangeRequired: false }])
  })

  it('ends connections of a user that was dropped before keyturn was killed', async () => {
    const current = await makeUser(reached, 'app')
    const old = await hold(server.port, current)
    await server.ask('DROP USER $user', { user: current.id })
    const answer = await issuerAt(reached, { user: current.id }).set(current.id, 'gone', callWithin(20_000))
    expect(valueOf(answer).evidence).toMatchObject({ absent: true, ended: 1 })
    expect(await old.alive()).toBe(false)
    await old.close()
  })

  it.each(['alternate', 'in-place'] as const)('%s: the password is in no file of the server, its logs among them (S0-07)', async (strategy) => {
    const current = await makeUser(reached, 'app')
    const issuer = issuerAt(reached, { user: current.id, strategy }, 'neo4j')
    const next = issuer.propose(current)
    valueOf(await issuer.mint({ credential: next, tag: 'test' }, callWithin(20_000)))
    expect(valueOf(await issuer.probe(next, 'primary', callWithin(20_000)))).toMatchObject({ verdict: 'accepted' })
    // What is sent as a parameter of any other statement is found.
    const marker = randomBytes(60).toString('hex')
    await server.ask('CREATE (:Marker {text: $marker})', { marker }, 'neo4j')
    const kept = server.kept()
    expect(kept.includes(marker)).toBe(true)
    expect(kept.includes(next.fields['password']?.reveal() ?? '?')).toBe(false)
  })

  it('counts wrong passwords in a row: keyturn\'s own proofs never lock a user out, and while others do it says so (I12)', async () => {
    const current = await makeUser(reached, 'app')
    const issuer = issuerAt(reached, { user: current.id })
    const probe = async (password: string): Promise<object> => valueOf(await issuer.probe({ id: current.id, fields: { ...current.fields, password: new Secret(password) } }, 'primary', callWithin(20_000)))
    const right = current.fields['password']?.reveal() ?? ''
    for (const _ of [1, 2, 3]) expect((await issuer.preflight(current, `${current.id}_alt`, callWithin(20_000))).is).toBe('done')
    for (const _ of [1, 2, 3]) expect(await probe('wrong-of-the-test')).toEqual(WRONG)
    expect(await probe(right)).toEqual({ verdict: 'inconclusive', code: 'ClientError.Security.AuthenticationRateLimit' })
    expect(await issuer.preflight(current, `${current.id}_alt`, callWithin(20_000))).toMatchObject({ is: 'unknown', code: 'RATE_LIMITED' })
    await until('the user is let in again', 20_000, async () => ((await probe(right)) as { verdict: string }).verdict === 'accepted' ? true : undefined)
  })

  it('reads each statement for Enterprise, and refuses it for its edition alone', async () => {
    const ask = (statement: string): Promise<string> => server.ask(statement, { user: 'nobody', password: 'nobody-of-the-test', home: 'neo4j', role: 'reader' })
      .then(() => 'done', (thrown: unknown) => (thrown instanceof Error ? thrown.message : ''))
    for (const statement of [
      'CREATE USER $user IF NOT EXISTS SET PASSWORD $password CHANGE NOT REQUIRED SET STATUS SUSPENDED SET HOME DATABASE $home',
      'CREATE OR REPLACE USER $user SET PASSWORD $password CHANGE NOT REQUIRED SET STATUS SUSPENDED',
      'ALTER USER $user SET STATUS ACTIVE', 'ALTER USER $user SET STATUS SUSPENDED',
    ]) expect(await ask(statement)).toContain('\'SET STATUS\' is not available in community edition')
    for (const statement of ['GRANT ROLE $role TO $user', 'SHOW USER PRIVILEGES YIELD access, action, segment']) {
      expect(await ask(statement)).toContain(`Unsupported administration command: ${statement}`)
    }
  })
})

describe('what is refused before anything is changed', () => {
  it('another edition, a second user that is there or in use, an admin that is the user or is not let in, a lockout, an expired password (C-15)', async () => {
    const current = await makeUser(reached, 'app')
    const before = await server.ask('SHOW USERS WITH AUTH')
    const look = (config: object = {}, at: Parameters<typeof issuerAt>[0] = reached): Promise<Answer<unknown>> =>
      issuerAt(at, { user: current.id, ...config }).preflight(current, `${current.id}_alt`, callWithin(20_000))
    expect(await look({}, { ...reached, edition: 'enterprise' })).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('write `edition: community`') })
    expect(await look({ lockout: 5 })).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('lockout: 3') })
    const itself = { user: current.id, password: current.fields['password']?.reveal() ?? '' }
    expect(await look({}, { ...reached, admin: itself })).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('give another admin') })
    const helper = await makeUser(reached, 'helper')
    expect(await look({}, { ...reached, admin: { user: helper.id, password: 'not-of-the-test' } })).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
    await server.ask('ALTER USER $user SET PASSWORD CHANGE REQUIRED', { user: helper.id })
    expect(await look({}, { ...reached, admin: { user: helper.id, password: helper.fields['password']?.reveal() ?? '' } }))
      .toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED', about: expect.stringContaining('must be changed first') })
    await server.ask('DROP USER $user', { user: helper.id })
    expect(await server.ask('SHOW USERS WITH AUTH')).toEqual(before)

    const [user, password] = [`${current.id}_alt`, 'second-of-the-test']
    await reached.makeUser(user, password)
    const session = await hold(server.port, { id: user, fields: { user: new Secret(user), password: new Secret(password) } })
    expect(await look()).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE', about: expect.stringContaining(`DROP USER ${user}`) })
    await server.ask('DROP USER $user', { user })
    expect(await look()).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE', about: expect.stringContaining('in use by neo4j-javascript') })
    const issuer = issuerAt(reached, { user: current.id })
    expect(await issuer.mint({ credential: issuer.propose(current), tag: 'test' }, callWithin(20_000))).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE' })
    await session.close()
    await server.ask('ALTER USER $user SET PASSWORD CHANGE REQUIRED', { user: current.id })
    expect(await look()).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('CHANGE NOT REQUIRED') })
  })
})

describe('an outage', () => {
  it('a server that stands still is refused or unknown by the deadline, no socket is left, and all goes on afterwards (S0-54)', async () => {
    const current = await makeUser(reached, 'app')
    const issuer = issuerAt(reached, { user: current.id })
    const intent = { credential: issuer.propose(current), tag: 'test' }
    const sockets = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
    const before = sockets()
    server.signal('SIGSTOP')
    const [minted, probed] = await Promise.all([issuer.mint(intent, callWithin(1_500)), issuer.probe(current, 'primary', callWithin(1_500))])
    await until('the sockets are closed', 2_000, () => (sockets() <= before ? true : undefined))
    server.signal('SIGCONT')
    expect(minted).toMatchObject({ is: 'refused', code: 'DEADLINE' })
    expect(probed).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    valueOf(await issuer.mint(intent, callWithin(20_000)))
    expect(valueOf(await issuer.probe(intent.credential, 'primary', callWithin(20_000)))).toMatchObject({ verdict: 'accepted' })
  })
})

describe('under load', () => {
  proves(() => ({ connector: 'neo4j', as: 'load', strategy: 'alternate', on: server.version }))

  it('no query of a service with two instances fails while its user is rotated (S0-01, S0-13)', async () => {
    const password = randomBytes(16).toString('hex')
    await reached.makeUser('live', password)
    // One that was just started compiles what it runs while it runs, for seconds.
    for (let times = 0; times < 40; times += 1) {
      await Promise.all(Array.from({ length: 10 }, () => server.ask('MATCH (n:Work) RETURN count(n)', {}, 'neo4j')))
    }
    const { ran, report, env } = await rotateUnderLoad({
      issuer: { use: 'neo4j', admin: '${env:NEO4J_ADMIN_URL}', user: 'live', strategy: 'alternate' },
      bind: { NEO4J_USER: '{user}', NEO4J_PASSWORD: '{password}' },
      client: new URL('client.ts', import.meta.url),
      env: { NEO4J_URI: `bolt://127.0.0.1:${server.port}`, NEO4J_USER: 'live', NEO4J_PASSWORD: password, DB_PASSWORD: 'stays' },
      admin: { NEO4J_ADMIN_URL: `bolt://${server.admin.user}:${server.admin.password}@127.0.0.1:${server.port}` },
      rate: 25,
    })
    expect(ran, ran.said).toMatchObject({ code: 0 })
    expect(report, JSON.stringify(report)).toMatchObject({ failed: 0, reasons: {} })
    expect(report.requests).toBeGreaterThan(100)
    expect(env).toMatchObject({ NEO4J_USER: 'live_alt', DB_PASSWORD: 'stays' })
    expect((await server.ask('SHOW USERS')).map(({ user }) => user).filter((user) => String(user).startsWith('live'))).toEqual(['live_alt'])
  })
})
