import { createServer } from 'node:net'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { accept, issuerAt, valueOf, verdictOf } from '../../../test/servers/postgres-issuer.ts'
import { queryAt, ready, until } from '../../../test/servers/postgres.ts'
import { makeRole, openSession } from '../../../test/servers/role.ts'
import { callWithin } from '../../testing/call.ts'
import { faultyProxy } from './fake.ts'

let admin = ''
beforeAll(async () => { admin = await ready(inject('postgresUrl')) })

describe('turning a credential off', () => {
  it('ends each session, one that calls itself keyturn and one in a transaction too; the login is dead (S0-13)', async () => {
    const role = await makeRole(admin)
    const issuer = issuerAt(admin, { role: role.name })
    await accept(issuer, role.credential)
    const sessions = await Promise.all(['gateway', 'keyturn', 'batch', ''].map((name) => openSession(role.url(), name)))
    await sessions[2]?.client.query('BEGIN; CREATE TABLE half (id int)')
    expect(valueOf(await issuer.set(role.name, 'off', callWithin(5000))).evidence).toEqual({ role: role.name, ended: 4 })
    expect(await Promise.all(sessions.map((session) => session.alive()))).toEqual([false, false, false, false])
    expect(await verdictOf(issuer, role.credential)).toEqual({ verdict: 'rejected', code: '28000' })
    await issuer.set(role.name, 'gone', callWithin(5000))
    expect(await verdictOf(issuer, role.credential)).toEqual({ verdict: 'rejected', code: '28P01' })
  })

  it('catches clients that log in again and again while it happens', async () => {
    const role = await makeRole(admin)
    const issuer = issuerAt(admin, { role: role.name })
    await accept(issuer, role.credential)
    const going = new AbortController()
    let logins = 0
    const storm = Promise.all(Array.from({ length: 6 }, async () => {
      while (!going.signal.aborted) {
        const session = await openSession(role.url(), 'storm').catch(() => undefined)
        if (session === undefined) continue
        logins += 1
        if (logins % 3 === 0) await session.close()
      }
    }))
    await until(() => logins > 20, 'the storm did not start')
    const answer = await issuer.set(role.name, 'off', callWithin(5000))
    const left = await queryAt(admin, 'SELECT 1 FROM pg_stat_activity WHERE usename = $1', [role.name])
    going.abort()
    await storm
    expect(answer.is).toBe('done')
    expect(left).toEqual([])
  })

  it('touches nothing but the pair, and in place nothing at all', async () => {
    const [role, other] = [await makeRole(admin), await makeRole(admin)]
    const issuer = issuerAt(admin, { role: role.name })
    expect(await issuer.set(other.name, 'gone', callWithin(5000))).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
    const minted = await issuer.mint({ credential: other.credential, tag: 'test' }, callWithin(5000))
    expect(minted).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
    expect(issuer.idOf(other.credential.fields)).toBeUndefined()
    const inPlace = issuerAt(admin, { role: role.name, strategy: 'in-place' })
    expect(await inPlace.set(role.name, 'off', callWithin(5000))).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
    for (const one of [role, other]) expect((await verdictOf(issuer, one.credential)).verdict).toBe('accepted')
  })

  it('without the right to end sessions it never answers done', async () => {
    const role = await makeRole(admin)
    const name = `half_${role.name}`
    await role.admin(`CREATE ROLE "${name}" LOGIN CREATEROLE PASSWORD 'half-password';
      GRANT "${role.name}" TO "${name}" WITH ADMIN TRUE, INHERIT FALSE`)
    const session = await openSession(role.url())
    const answer = await issuerAt(role.url(name, 'half-password'), { role: role.name }).set(role.name, 'off', callWithin(5000))
    const alive = await session.alive()
    await session.close()
    expect(answer).toMatchObject({ is: 'unknown', code: 'RIGHTS_MISSING' })
    expect(alive).toBe(true)
  })

  it('cut off between the change and the end of the sessions: unknown, and repeated it finishes', async () => {
    const role = await makeRole(admin)
    const proxy = await faultyProxy({ host: '127.0.0.1', port: Number(new URL(admin).port) })
    const issuer = issuerAt(admin.replace(/:\d+\//, `:${proxy.port}/`), { role: role.name })
    await accept(issuer, role.credential)
    const session = await openSession(role.url())
    const ended = new Promise((resolve) => { session.client.once('end', resolve) })
    proxy.inject({ on: /^COMMIT/, act: 'lose-answer' })
    expect(await issuer.set(role.name, 'off', callWithin(5000))).toMatchObject({ is: 'unknown', code: 'UNREACHABLE' })
    expect(await session.alive()).toBe(true)
    expect((await issuer.set(role.name, 'off', callWithin(5000))).is).toBe('done')
    await ended
    await proxy.close()
  })
})

describe('every call', () => {
  it('ends by its deadline when the server accepts and then says nothing, and leaves no socket', async () => {
    const role = await makeRole(admin)
    let open = 0
    const hole = createServer((socket) => {
      open += 1
      socket.on('error', () => socket.destroy()).on('close', () => { open -= 1 }).resume()
    })
    await new Promise<void>((resolve) => { hole.listen(0, '127.0.0.1', resolve) })
    const address = hole.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const issuer = issuerAt(admin.replace(/:\d+\//, `:${port}/`), { role: role.name })
    const next = issuer.propose(role.credential)
    const started = Date.now()
    const answers = await Promise.all([
      issuer.observe(callWithin(300)), issuer.preflight(role.credential, next.id, callWithin(300)),
      issuer.probe(role.credential, 'primary', callWithin(300)), issuer.mint({ credential: next, tag: 'test' }, callWithin(300)),
      issuer.set(role.name, 'off', callWithin(300)),
    ])
    expect(Date.now() - started).toBeLessThan(1500)
    expect(answers.map((answer) => answer.is)).toEqual(['unknown', 'unknown', 'unknown', 'refused', 'refused'])
    for (const answer of answers) expect(answer).toMatchObject({ code: 'DEADLINE' })
    await until(() => open === 0, 'a socket lives on')
    await new Promise((resolve) => { hole.close(resolve) })
  })

  it('leaves no connection at the server', async () => {
    const role = await makeRole(admin, { database: 'own' })
    const url = role.url(new URL(admin).username, new URL(admin).password)
    const issuer = issuerAt(url, { role: role.name })
    const next = await accept(issuer, role.credential)
    await verdictOf(issuer, next)
    await issuer.set(role.name, 'off', callWithin(5000))
    await issuer.observe(callWithin(5000))
    await issuer.close()
    const own = `SELECT 1 FROM pg_stat_activity WHERE datname = '${role.database}' AND application_name = 'keyturn'`
    await until(async () => (await queryAt(admin, own)).length === 0, 'a connection lives on', 2000)
    expect(await queryAt(admin, own)).toEqual([])
  })

  it('of an older owner is refused even when it waited behind the newer one (fence)', async () => {
    const role = await makeRole(admin)
    const proxy = await faultyProxy({ host: '127.0.0.1', port: Number(new URL(admin).port) })
    const newer = issuerAt(admin.replace(/:\d+\//, `:${proxy.port}/`), { role: role.name })
    const older = issuerAt(admin, { role: role.name })
    const next = newer.propose(role.credential)
    proxy.inject({ on: /^COMMIT/, act: 'hold', ms: 300 })
    const minting = newer.mint({ credential: next, tag: 'new' }, callWithin(5000, 2))
    const begun = `SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE '%${role.name}%PASSWORD%'`
    await until(async () => (await queryAt(admin, begun)).length > 0, 'the newer one did not begin')
    const late = await older.mint({ credential: older.propose(role.credential), tag: 'old' }, callWithin(5000, 1))
    expect((await minting).is).toBe('done')
    expect(late).toMatchObject({ is: 'refused', code: 'FENCED' })
    expect((await verdictOf(older, next)).verdict).toBe('accepted')
    await proxy.close()
  })
})
