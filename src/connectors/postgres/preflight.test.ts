import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accept, issuerAt, valueOf, verdictOf } from '../../../test/servers/postgres-issuer.ts'
import { type PostgresServer, findPlace, startPostgres, until } from '../../../test/servers/postgres.ts'
import { type TestRole, makeRole, openSession } from '../../../test/servers/role.ts'
import type { Answer, Issuer, Preflight } from '../../kit/index.ts'
import { callWithin } from '../../testing/call.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres({
    config: { max_connections: '20' },
    hba: ['host all /^trusting 127.0.0.1/32 trust', 'host all /^cut 127.0.0.1/32 reject', 'local all postgres,/^socket trust'],
  })
})
afterAll(() => server.stop())

async function look(issuer: Issuer, role: TestRole): Promise<Answer<Preflight>> {
  try {
    return await issuer.preflight(role.credential, issuer.propose(role.credential).id, callWithin(5000))
  } finally {
    // Its own connection would count, too.
    await issuer.close()
  }
}

function sessionsAre(role: TestRole, count: number): Promise<void> {
  const seen = 'SELECT 1 FROM pg_stat_activity WHERE usename = $1'
  return until(async () => (await server.query(seen, [role.name])).length === count, `there never were ${count} sessions`)
}

describe('preflight refuses before anything is changed', () => {
  it('says the version of the server, the roles and the room when all is well', async () => {
    const role = await makeRole(server.adminUrl)
    const seen = valueOf(await look(issuerAt(server.adminUrl, { role: role.name }), role))
    expect(seen).toMatchObject({ fenced: true, notices: [], evidence: { role: role.name, connectionsMax: 17 } })
    expect(seen.evidence['server']).toMatch(/^18\.\d+$/)
    expect(await server.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [`${role.name}_alt`])).toEqual([])
  })

  it('names the principal alike however the server is addressed', async () => {
    const role = await makeRole(server.adminUrl)
    const [byAddress, byName] = await Promise.all(['127.0.0.1', 'localhost'].map((host) =>
      look(issuerAt(server.adminUrl.replace('127.0.0.1', host), { role: role.name }), role)))
    expect(byAddress?.is === 'done' && byAddress.value.principal).toMatch(new RegExp(`^principal:postgres/\\d+/${role.name}$`))
    expect(byName?.is === 'done' && byName.value.principal).toBe(byAddress?.is === 'done' && byAddress.value.principal)
  })

  it('a trust line: a wrong password gets in, so no probe means anything (C-05)', async () => {
    const role = await makeRole(server.adminUrl, { prefix: 'trusting' })
    const answer = await look(issuerAt(server.adminUrl, { role: role.name }), role)
    expect(answer).toMatchObject({ is: 'refused', code: 'PROBE_MEANINGLESS' })
  })

  it('a trust socket among the endpoints, like that of psql in the container (C-05)', async () => {
    const role = await makeRole(server.adminUrl, { prefix: 'socket' })
    const { port, socket } = server
    const endpoints = [{ name: 'tcp', host: '127.0.0.1', port }, { name: 'socket', host: socket, port }]
    const issuer = issuerAt(server.adminUrl, { role: role.name, endpoints })
    expect(issuer.endpoints()).toEqual(['tcp', 'socket'])
    expect(await look(issuer, role)).toMatchObject({ is: 'refused', code: 'PROBE_MEANINGLESS', about: 'socket' })
  })

  it('a current credential that is not accepted', async () => {
    const role = await makeRole(server.adminUrl)
    await server.query(`ALTER ROLE "${role.name}" PASSWORD 'another'`)
    const answer = await look(issuerAt(server.adminUrl, { role: role.name }), role)
    expect(answer).toMatchObject({ is: 'refused', code: 'CREDENTIAL_REJECTED', about: 'primary', evidence: { code: '28P01' } })
  })

  it('an endpoint that is down, or that no line in pg_hba.conf lets us into, is not a rejected credential', async () => {
    const [role, cut] = [await makeRole(server.adminUrl), await makeRole(server.adminUrl, { prefix: 'cut' })]
    const { port } = await findPlace()
    const down = issuerAt(server.adminUrl, { role: role.name, endpoints: [{ name: 'replica', host: '127.0.0.1', port }] })
    expect(await look(down, role)).toMatchObject({ is: 'unknown', code: 'UNREACHABLE', about: 'replica' })
    const rejectLine = issuerAt(server.adminUrl, { role: cut.name })
    expect(await verdictOf(rejectLine, cut.credential)).toEqual({ verdict: 'inconclusive', code: '28000' })
    expect(await look(rejectLine, cut)).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', evidence: { code: '28000' } })
  })

  it('a database for probes that does not exist', async () => {
    const role = await makeRole(server.adminUrl)
    const issuer = issuerAt(server.adminUrl, { role: role.name, database: 'nowhere' })
    expect(await verdictOf(issuer, role.credential)).toEqual({ verdict: 'inconclusive', code: '3D000' })
    expect(await look(issuer, role)).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', evidence: { code: '3D000' } })
  })

  it('an admin that cannot log in, a server that is not there, a role that does not exist (S2-17)', async () => {
    const role = await makeRole(server.adminUrl)
    const wrong = server.adminUrl.replace(/:[0-9a-f]{36}@/, ':wrong@')
    expect(await look(issuerAt(wrong, { role: role.name }), role)).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
    const { port } = await findPlace()
    const away = issuerAt(server.adminUrl.replace(/:\d+\//, `:${port}/`), { role: role.name })
    expect(await look(away, role)).toMatchObject({ is: 'unknown', code: 'UNREACHABLE' })
    const unsent = await away.mint({ credential: away.propose(role.credential), tag: 'test' }, callWithin(5000))
    expect(unsent).toMatchObject({ is: 'refused', code: 'UNREACHABLE' })
    const nonsense = issuerAt('not a url', { role: role.name })
    expect(await look(nonsense, role)).toMatchObject({ is: 'refused', code: 'REFERENCE_UNRESOLVED' })
    const nobody = { ...role, credential: { ...role.credential, id: 'nobody' } }
    const missing = await look(issuerAt(server.adminUrl, { role: 'nobody' }), nobody)
    expect(missing).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING', about: 'nobody' })
  })

  it('no room for a second pool: connections of the server, then of the role in place (S2-17)', async () => {
    const role = await makeRole(server.adminUrl)
    const sessions = await Promise.all(Array.from({ length: 9 }, () => openSession(role.url())))
    const full = await look(issuerAt(server.adminUrl, { role: role.name }), role)
    await Promise.all(sessions.slice(4).map((session) => session.close()))
    await sessionsAre(role, 4)
    const fits = await look(issuerAt(server.adminUrl, { role: role.name }), role)
    await server.query(`ALTER ROLE "${role.name}" CONNECTION LIMIT 7`)
    const narrow = await look(issuerAt(server.adminUrl, { role: role.name, strategy: 'in-place' }), role)
    await Promise.all(sessions.slice(0, 4).map((session) => session.close()))
    expect(full).toMatchObject({ is: 'refused', code: 'SLOTS_FULL', evidence: { sessions: 9, connectionsMax: 17 } })
    expect(fits.is).toBe('done')
    expect(narrow).toMatchObject({ is: 'refused', code: 'SLOTS_FULL' })
  })
})

describe('the idle one of the pair has to be idle (S2-26)', () => {
  it('a companion in use is named by application and address; once it is off and quiet it is taken', async () => {
    const [role, owner] = [await makeRole(server.adminUrl), await makeRole(server.adminUrl)]
    const issuer = issuerAt(server.adminUrl, { role: role.name, companion: owner.name })
    const session = await openSession(owner.url(), 'night job')
    const busy = await look(issuer, role)
    const overwritten = await issuer.mint({ credential: issuer.propose(role.credential), tag: 'test' }, callWithin(5000))
    await session.close()
    const named = `${owner.name}: in use by night?job@127.0.0.1 (1)`
    expect(busy).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE', about: named })
    expect(overwritten).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE' })
    expect((await verdictOf(issuer, owner.credential)).verdict).toBe('accepted')
    await sessionsAre(owner, 0)
    const open = `${owner.name}: it may log in, so somebody may have its password`
    expect(await look(issuer, role)).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE', about: open })
    await server.query(`ALTER ROLE "${owner.name}" NOLOGIN`)
    expect((await look(issuer, role)).is).toBe('done')
  })

  it('a group with members is not made a login', async () => {
    const [role, member] = [await makeRole(server.adminUrl), await makeRole(server.adminUrl)]
    await server.query(`CREATE ROLE "${role.name}_alt"; GRANT "${role.name}_alt" TO "${member.name}"`)
    const answer = await look(issuerAt(server.adminUrl, { role: role.name }), role)
    expect(answer).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE' })
  })

  it('mint again after a crash succeeds although consumers are logged in with it already', async () => {
    const role = await makeRole(server.adminUrl)
    const issuer = issuerAt(server.adminUrl, { role: role.name })
    const next = await accept(issuer, role.credential)
    const session = await openSession(role.url(next.id, next.fields['password']?.reveal()))
    expect((await issuer.mint({ credential: next, tag: 'test' }, callWithin(5000))).is).toBe('done')
    expect(await session.alive()).toBe(true)
    const other = await issuer.mint({ credential: issuer.propose(role.credential), tag: 'other' }, callWithin(5000))
    expect(other).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE' })
    await session.close()
  })
})
