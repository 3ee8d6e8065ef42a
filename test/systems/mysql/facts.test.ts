import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultyProxy } from '../../../src/connectors/mysql/fake.ts'
import type { Answer, Credential, Issuer } from '../../../src/kit/index.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { hold, issuerAt } from './login.ts'
import { type MariaDb, startMariaDb } from './mariadb.ts'
import { makeUser, type TestUser } from './world.ts'

let server: MariaDb
beforeAll(async () => { server = await startMariaDb() })
afterAll(() => server.stop())

function secretOf(text: string): Secret {
  return new Secret(text)
}

function valueOf<T>(answer: Answer<T>): T {
  if (answer.is !== 'done') throw new Error(JSON.stringify(answer))
  return answer.value
}

async function accept(issuer: Issuer, current: Credential): Promise<Credential> {
  const credential = issuer.propose(current)
  valueOf(await issuer.preflight(current, credential.id, callWithin(10_000)))
  return valueOf(await issuer.mint({ credential, tag: 'test' }, callWithin(10_000))).credential
}

async function forget(issuer: Issuer, old: Credential): Promise<void> {
  for (const state of ['off', 'gone'] as const) valueOf(await issuer.set(old.id, state, callWithin(10_000)))
}

async function verdictOf(issuer: Issuer, credential: Credential): Promise<object> {
  return valueOf(await issuer.probe(credential, 'primary', callWithin(10_000)))
}

/** The lines of SHOW GRANTS, with the name of the user taken out of them, and what the server keeps of passwords. */
async function grantsOf(user: string, host: string): Promise<string[]> {
  const rows = await server.admin(`SHOW GRANTS FOR '${user}'@'${host}'`)
  return rows.flatMap((row) => Object.values(row).map(String)).map((line) => line.replaceAll(`\`${user}\`@`, '`?`@').replace(/'\*[0-9A-F]{40}'/, '?'))
}

async function kept(except: TestUser): Promise<string> {
  const rows = await server.admin<{ User: string }>('SELECT Host, User, Priv FROM mysql.global_priv ORDER BY 1, 2')
  return JSON.stringify(rows.filter(({ User }) => !User.startsWith(except.name)))
}

describe('the second user is an equal of the first', () => {
  it('has every grant, role, limit and REQUIRE of each account, also after they changed, back and forth (S2-18, S2-19)', async () => {
    const user = await makeUser(server)
    const name = user.name
    await server.admin(`CREATE ROLE r_${name}`)
    await server.admin(`GRANT r_${name} TO '${name}'@'%' WITH ADMIN OPTION`)
    await server.admin(`SET DEFAULT ROLE r_${name} FOR '${name}'@'%'`)
    await server.admin(`CREATE DATABASE \`odd TO 'x'@'y' ${name}\``)
    await server.admin(`GRANT SELECT ON \`odd TO 'x'@'y' ${name}\`.* TO '${name}'@'127.0.0.1' WITH GRANT OPTION`)
    await server.admin(`ALTER USER '${name}'@'%' REQUIRE SUBJECT '/CN=it''s "odd"' WITH MAX_USER_CONNECTIONS 9 PASSWORD EXPIRE INTERVAL 90 DAY`)
    const issuer = issuerAt(server.adminUrl, { user: name })
    const before = [await grantsOf(name, '%'), await grantsOf(name, '127.0.0.1')]
    const second = await accept(issuer, user.credential)
    expect([await grantsOf(second.id, '%'), await grantsOf(second.id, '127.0.0.1')]).toEqual(before)
    expect(before[0]?.length).toBeGreaterThan(3)
    await forget(issuer, user.credential)
    const third = await accept(issuer, second)
    expect(third.id).toBe(name)
    expect([await grantsOf(name, '%'), await grantsOf(name, '127.0.0.1')]).toEqual(before)
    // One that is only off keeps what it had; what the other lost since then is taken from it too.
    valueOf(await issuer.set(second.id, 'off', callWithin(10_000)))
    await server.admin(`REVOKE r_${name} FROM '${name}'@'%'`)
    await server.admin(`REVOKE INSERT ON \`${name}\`.t FROM '${name}'@'%'`)
    await server.admin(`ALTER USER '${name}'@'%' REQUIRE NONE WITH MAX_USER_CONNECTIONS 0`)
    const fourth = await accept(issuer, third)
    const shown = await grantsOf(name, '%')
    // The server goes on showing the default role that is no role of the user any more.
    expect(await grantsOf(fourth.id, '%')).toEqual(shown.filter((line) => !line.startsWith('SET DEFAULT ROLE')))
    expect(shown.join('\n')).not.toMatch(/REQUIRE|MAX_USER|INSERT/)
  })

  it('siblings are untouched byte for byte, and one whose name differs by case keeps its sessions (S0-13)', async () => {
    const user = await makeUser(server)
    const other = { id: '', fields: { ...user.credential.fields } }
    await server.admin(`CREATE USER '${user.name.toUpperCase()}'@'%' IDENTIFIED BY 'other-of-the-test'`)
    const session = await hold(server.port, { ...other, fields: { user: secretOf(user.name.toUpperCase()), password: secretOf('other-of-the-test') } })
    const before = await kept(user)
    const issuer = issuerAt(server.adminUrl, { user: user.name })
    const next = await accept(issuer, user.credential)
    const [old, fresh] = [await hold(server.port, user.credential), await hold(server.port, next)]
    valueOf(await issuer.set(user.credential.id, 'off', callWithin(10_000)))
    expect([await old.alive(), await fresh.alive(), await session.alive()]).toEqual([false, true, true])
    expect(await verdictOf(issuer, user.credential)).toEqual({ verdict: 'rejected', code: '4151' })
    valueOf(await issuer.set(user.credential.id, 'gone', callWithin(10_000)))
    expect(await verdictOf(issuer, user.credential)).toEqual({ verdict: 'rejected', code: '1045' })
    for (const one of [old, fresh, session]) await one.close()
    expect(await kept(user)).toBe(before)
  })

  it('one that stored objects name as their definer stays, locked, and what it defined goes on to run', async () => {
    const user = await makeUser(server)
    await server.admin(`CREATE DEFINER='${user.name}'@'%' SQL SECURITY DEFINER VIEW \`${user.name}\`.v AS SELECT a FROM \`${user.name}\`.t`)
    const issuer = issuerAt(server.adminUrl, { user: user.name })
    await accept(issuer, user.credential)
    await forget(issuer, user.credential)
    expect(await server.admin(`SELECT * FROM \`${user.name}\`.v`)).toEqual([])
    valueOf(await issuer.set(user.name, 'on', callWithin(10_000)))
    expect(await verdictOf(issuer, user.credential)).toMatchObject({ verdict: 'rejected', code: '1045' })
  })
})

describe('what is refused before anything is changed', () => {
  it('names every right that the admin lacks, and goes on when it has them (S2-17)', async () => {
    const user = await makeUser(server)
    const manager = `manager_${randomBytes(4).toString('hex')}`
    await server.admin(`CREATE USER ${manager}@'%' IDENTIFIED BY 'manager-of-the-test'`)
    const issuer = issuerAt(`mysql://${manager}:manager-of-the-test@127.0.0.1:${server.port}`, { user: user.name })
    const look = (): Promise<Answer<unknown>> => issuer.preflight(user.credential, `${user.name}_alt`, callWithin(10_000))
    const steps = [
      ['CREATE USER ON *.*, PROCESS ON *.*, CONNECTION ADMIN ON *.*, SELECT ON `mysql`.*', `GRANT CREATE USER, PROCESS, CONNECTION ADMIN ON *.* TO ${manager}`],
      ['SELECT ON `mysql`.*', `GRANT SELECT ON mysql.* TO ${manager}`],
      [
        ['SELECT', 'INSERT', 'UPDATE'].map((one) => `${one} ON \`${user.name}\`.\`t\` WITH GRANT OPTION`).join(', '),
        `GRANT SELECT, INSERT, UPDATE ON \`${user.name}\`.* TO ${manager} WITH GRANT OPTION`,
      ],
    ] as const
    for (const [lacking, grant] of steps) {
      expect(await look()).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: `${manager} lacks ${lacking}` })
      await server.admin(grant)
    }
    expect((await look()).is).toBe('done')
    const next = await accept(issuer, user.credential)
    expect(await grantsOf(next.id, '%')).toEqual(await grantsOf(user.name, '%'))
    const session = await hold(server.port, user.credential)
    await forget(issuer, user.credential)
    expect(await session.alive()).toBe(false)
    await session.close()
  })

  it('a second user that somebody uses or could use, an admin that is the user, accounts with two passwords, a lockout (C-15)', async () => {
    const user = await makeUser(server)
    const issuer = issuerAt(server.adminUrl, { user: user.name })
    const look = (one = issuer): Promise<Answer<unknown>> => one.preflight(user.credential, `${user.name}_alt`, callWithin(10_000))
    await server.admin(`CREATE USER '${user.name}_alt'@'%' IDENTIFIED BY 'second-of-the-test'`)
    expect(await look()).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE', about: expect.stringContaining('is not locked') })
    const session = await hold(server.port, { id: '', fields: { user: secretOf(`${user.name}_alt`), password: secretOf('second-of-the-test') } })
    const minted = await issuer.mint({ credential: issuer.propose(user.credential), tag: 'test' }, callWithin(10_000))
    expect(minted).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE', about: expect.stringContaining('@127.0.0.1 (1)') })
    await session.close()
    await server.admin(`DROP USER '${user.name}_alt'@'%'`)

    const itself = issuerAt(`mysql://${user.name}:${user.credential.fields['password']?.reveal()}@127.0.0.1:${server.port}`, { user: user.name })
    expect(await look(itself)).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('give another admin') })

    await server.admin('SET GLOBAL max_password_errors = 5')
    expect(await look()).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('lockout: 5') })
    expect((await look(issuerAt(server.adminUrl, { user: user.name, lockout: 5 }))).is).toBe('done')
    await server.admin('SET GLOBAL max_password_errors = 4294967295')

    await server.admin(`ALTER USER '${user.name}'@'%' IDENTIFIED BY 'another-of-the-test'`)
    expect(await look()).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('different passwords') })
    expect(await look(issuerAt(server.adminUrl, { user: user.name, strategy: 'overlap' }))).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('MySQL 8.0.21') })
    const nobody = issuerAt(server.adminUrl.replace('admin-of', 'not-of'), { user: user.name })
    expect(await look(nobody)).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
  })
})

describe('values and time', () => {
  it.each(['alternate', 'in-place'] as const)('%s: the password is neither on the wire nor in the log of the server (S0-07)', async (strategy) => {
    const user = await makeUser(server)
    const proxy = await faultyProxy({ host: '127.0.0.1', port: server.port })
    const issuer = issuerAt(server.adminUrl.replace(`:${server.port}`, `:${proxy.port}`), { user: user.name, strategy })
    const next = await accept(issuer, user.credential)
    expect(await verdictOf(issuer, next)).toMatchObject({ verdict: 'accepted' })
    expect(await verdictOf(issuer, user.credential)).toMatchObject({ verdict: strategy === 'alternate' ? 'accepted' : 'rejected' })
    await proxy.close()
    const raw = next.fields['password']?.reveal() ?? '?'
    for (const text of [proxy.wire(), server.log()]) {
      expect(text.includes(raw)).toBe(false)
      expect(text).toMatch(/IDENTIFIED VIA mysql_native_password USING '\*[0-9A-F]{40}'/)
    }
  })

  it('a server that stands still for seconds is unknown or refused by the deadline, and goes on afterwards (S0-54)', async () => {
    const user = await makeUser(server)
    const issuer = issuerAt(server.adminUrl, { user: user.name })
    const intent = { credential: issuer.propose(user.credential), tag: 'test' }
    server.signal('SIGSTOP')
    const began = Date.now()
    const [minted, probed] = await Promise.all([issuer.mint(intent, callWithin(1_500)), issuer.probe(user.credential, 'primary', callWithin(1_500))])
    server.signal('SIGCONT')
    expect(Date.now() - began).toBeLessThan(4_000)
    expect(minted).toMatchObject({ is: 'refused', code: 'DEADLINE' })
    expect(probed).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    expect((await issuer.mint(intent, callWithin(10_000))).is).toBe('done')
    expect(await verdictOf(issuer, intent.credential)).toMatchObject({ verdict: 'accepted' })
  })
})
