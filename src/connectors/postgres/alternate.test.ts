import { beforeAll, describe, expect, inject, it } from 'vitest'
import { accept, forget, issuerAt, valueOf, verdictOf } from '../../../test/servers/postgres-issuer.ts'
import { queryAt, ready } from '../../../test/servers/postgres.ts'
import { type TestRole, makeRole, openSession } from '../../../test/servers/role.ts'
import type { Credential } from '../../kit/index.ts'
import { callWithin } from '../../testing/call.ts'

let admin = ''
beforeAll(async () => { admin = await ready(inject('postgresUrl')) })

/** Logs in with a credential of the pair and runs one statement. */
function as(role: TestRole, credential: Credential, sql: string): Promise<Record<string, unknown>[]> {
  return queryAt(role.url(credential.fields['user']?.reveal(), credential.fields['password']?.reveal()), sql)
}

describe('the companion is an equal of the original role', () => {
  it('inserts into a serial table and alters it; tables made later by either serve the other (S2-18, C-15)', async () => {
    const role = await makeRole(admin)
    const old = role.credential
    await as(role, old, 'CREATE TABLE early (id serial PRIMARY KEY, note text)')
    const next = await accept(issuerAt(admin, { role: role.name }), old)

    expect(await as(role, next, `INSERT INTO early (note) VALUES ('a') RETURNING id`)).toEqual([{ id: 1 }])
    await as(role, next, 'ALTER TABLE early ADD COLUMN more int')
    await as(role, next, 'CREATE TABLE by_companion (id serial)')
    await as(role, old, 'CREATE TABLE by_original (id serial)')
    for (const one of [old, next]) {
      await as(role, one, `INSERT INTO by_companion DEFAULT VALUES; INSERT INTO by_original DEFAULT VALUES;
        ALTER TABLE by_companion ADD COLUMN IF NOT EXISTS x int`)
    }
    const owners = await role.admin(`SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = $1`, [role.name])
    expect(owners).toEqual([{ tableowner: role.name }])
  })

  it('sees the rows that a policy on current_user gives to the original, and no others (S2-18)', async () => {
    const [role, other] = [await makeRole(admin), await makeRole(admin)]
    await role.admin(`SET search_path = "${role.name}"; CREATE TABLE docs (owner name, body text);
      ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON docs USING (owner = current_user); GRANT SELECT ON docs TO "${role.name}";
      INSERT INTO docs VALUES ('${role.name}', 'mine'), ('${other.name}', 'theirs')`)
    const next = await accept(issuerAt(admin, { role: role.name }), role.credential)
    expect(await as(role, next, 'SELECT body FROM docs')).toEqual([{ body: 'mine' }])
  })

  it('makes tables under the default privileges of the original (S2-18)', async () => {
    const [role, reader] = [await makeRole(admin), await makeRole(admin, { prefix: 'reader' })]
    await role.admin(`ALTER DEFAULT PRIVILEGES FOR ROLE "${role.name}" GRANT SELECT ON TABLES TO "${reader.name}";
      GRANT USAGE ON SCHEMA "${role.name}" TO "${reader.name}"`)
    const next = await accept(issuerAt(admin, { role: role.name }), role.credential)
    await as(role, next, 'CREATE TABLE shown (id int)')
    expect(await queryAt(role.url(reader.name, reader.password), `SELECT * FROM "${role.name}".shown`)).toEqual([])
  })

  it('has the same attributes, connection limit and settings, and drops what the original dropped', async () => {
    const role = await makeRole(admin)
    await role.admin(`ALTER ROLE "${role.name}" CREATEDB CREATEROLE REPLICATION BYPASSRLS CONNECTION LIMIT 7
      VALID UNTIL '2099-01-01';
      ALTER ROLE "${role.name}" SET search_path = "$user", "Odd, ""name", public;
      ALTER ROLE "${role.name}" SET my.tenant = 'it''s a\\test';
      ALTER ROLE "${role.name}" SET work_mem = '5MB';
      ALTER ROLE "${role.name}" IN DATABASE "${role.database}" SET statement_timeout = '33s'`)
    const issuer = issuerAt(admin, { role: role.name })
    const next = await accept(issuer, role.credential)
    const settings = `SELECT current_setting('search_path') a, current_setting('my.tenant') b,
      current_setting('work_mem') c, current_setting('statement_timeout') d`
    const original = await as(role, role.credential, settings)
    expect(original).toMatchObject([{ b: 'it\'s a\\test', c: '5MB', d: '33s' }])
    expect(await as(role, next, settings)).toEqual(original)
    const attributes = `SELECT rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolinherit, rolconnlimit
      FROM pg_roles WHERE rolname = $1`
    expect(await role.admin(attributes, [next.id])).toEqual(await role.admin(attributes, [role.name]))
    const until = await role.admin(`SELECT rolvaliduntil::text AS until FROM pg_roles WHERE rolname = $1`, [next.id])
    expect(until).toEqual([{ until: 'infinity' }])

    await role.admin(`ALTER ROLE "${role.name}" NOCREATEDB; ALTER ROLE "${role.name}" RESET work_mem`)
    await issuer.set(next.id, 'off', callWithin(5000))
    const again = await accept(issuer, role.credential)
    expect(await role.admin(attributes, [next.id])).toEqual(await role.admin(attributes, [role.name]))
    expect(await as(role, again, 'SHOW work_mem')).toEqual(await role.admin('SHOW work_mem'))
  })

  it('has the memberships of the original with their options, and follows when they change', async () => {
    const role = await makeRole(admin)
    const [inherited, settable, neither] = ['inherited', 'settable', 'neither'].map((prefix) => `${prefix}_${role.name}`)
    await role.admin(`CREATE ROLE "${inherited}"; CREATE ROLE "${settable}"; CREATE ROLE "${neither}";
      SET search_path = "${role.name}"; CREATE TABLE t (id int); CREATE TABLE u (id int);
      GRANT USAGE ON SCHEMA "${role.name}" TO "${settable}";
      GRANT SELECT ON t TO "${inherited}"; GRANT SELECT ON u TO "${settable}";
      GRANT "${inherited}" TO "${role.name}" WITH INHERIT TRUE, SET FALSE;
      GRANT "${settable}" TO "${role.name}" WITH INHERIT FALSE, SET TRUE`)
    const next = await accept(issuerAt(admin, { role: role.name }), role.credential)
    for (const one of [role.credential, next]) {
      await as(role, one, 'SELECT * FROM t')
      await expect(as(role, one, 'SELECT * FROM u')).rejects.toMatchObject({ code: '42501' })
      await as(role, one, `SET ROLE "${settable}"; SELECT * FROM "${role.name}".u`)
      await expect(as(role, one, `SET ROLE "${inherited}"`)).rejects.toMatchObject({ code: '42501' })
      await expect(as(role, one, `SET ROLE "${neither}"`)).rejects.toMatchObject({ code: '42501' })
    }
    await role.admin(`REVOKE "${inherited}" FROM "${role.name}"`)
    await expect(as(role, next, 'SELECT * FROM t')).rejects.toMatchObject({ code: '42501' })
  })

  it('stays the original for current_user after DISCARD ALL and RESET ROLE, and is itself for session_user', async () => {
    const role = await makeRole(admin)
    const next = await accept(issuerAt(admin, { role: role.name }), role.credential)
    for (const reset of ['SELECT 1', 'DISCARD ALL', 'RESET ROLE']) {
      const session = await openSession(role.url(next.id, next.fields['password']?.reveal()))
      await session.client.query(reset)
      const { rows } = await session.client.query('SELECT current_user::text, session_user::text')
      await session.close()
      expect({ reset, rows }).toEqual({ reset, rows: [{ current_user: role.name, session_user: next.id }] })
    }
  })

  it('may connect to a database that lets only the original in', async () => {
    const role = await makeRole(admin, { database: 'own' })
    await role.admin(`REVOKE CONNECT ON DATABASE "${role.database}" FROM PUBLIC`)
    const next = await accept(issuerAt(admin, { role: role.name, database: role.database }), role.credential)
    expect(await as(role, next, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

describe('rotating again and again', () => {
  it('goes back and forth between the two in four rotations, each old one rejected (S2-19, S0-13)', async () => {
    const role = await makeRole(admin)
    const issuer = issuerAt(admin, { role: role.name })
    let current: Credential = role.credential
    for (const expected of [`${role.name}_alt`, role.name, `${role.name}_alt`, role.name]) {
      const next = await accept(issuer, current)
      expect(next.id).toBe(expected)
      expect(await verdictOf(issuer, next)).toMatchObject({ verdict: 'accepted' })
      await forget(issuer, current)
      expect(await verdictOf(issuer, current)).toEqual({ verdict: 'rejected', code: '28P01' })
      expect(await verdictOf(issuer, next)).toMatchObject({ verdict: 'accepted' })
      await as(role, next, `CREATE TABLE IF NOT EXISTS kept (id serial); INSERT INTO kept DEFAULT VALUES;
        ALTER TABLE kept ALTER id SET NOT NULL`)
      current = next
    }
    expect(await role.admin('SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1)', [role.name])).toHaveLength(2)
    expect(await as(role, current, 'SELECT count(*)::int AS rows FROM kept')).toEqual([{ rows: 4 }])
  })

  it('takes names with capitals, quotes, backslashes, spaces and other letters', async () => {
    const role = await makeRole(admin, { prefix: `We "ird'\\ \${x} é%` })
    const issuer = issuerAt(admin, { role: role.name, companion: `Se"cond '\\ ${role.name.slice(-10)}` })
    const next = await accept(issuer, role.credential)
    await forget(issuer, role.credential)
    expect(await verdictOf(issuer, next)).toMatchObject({ verdict: 'accepted' })
    expect(await as(role, next, 'SELECT current_user::text')).toEqual([{ current_user: role.name }])
    const back = await accept(issuer, next)
    expect(await verdictOf(issuer, back)).toMatchObject({ verdict: 'accepted' })
  })
})

describe('who uses what', () => {
  it('lists sessions by application and address under the role that logged in, without those of keyturn (S2-26)', async () => {
    const role = await makeRole(admin)
    const issuer = issuerAt(admin, { role: role.name })
    const next = await accept(issuer, role.credential)
    const sessions = await Promise.all([
      openSession(role.url(), 'gateway'), openSession(role.url(), 'gateway'), openSession(role.url(), 'night job'),
      openSession(role.url(next.id, next.fields['password']?.reveal()), 'gateway'), openSession(role.url(), 'keyturn'),
    ])
    const before = Date.now()
    const seen = valueOf(await issuer.observe(callWithin(5000)))
    for (const session of sessions) await session.close()
    expect(seen.known).toEqual([
      { id: role.name, state: 'on', uses: [{ by: 'gateway@127.0.0.1', count: 2 }, { by: 'night?job@127.0.0.1', count: 1 }] },
      { id: next.id, state: 'on', uses: [{ by: 'gateway@127.0.0.1', count: 1 }] },
    ])
    expect(seen.complete).toBe(true)
    expect(Math.abs((seen.clock ?? 0) - before)).toBeLessThan(5000)
    expect(seen.seenUpTo).toBe(seen.clock)
  })

  it('tells on, off and gone apart', async () => {
    const role = await makeRole(admin)
    const issuer = issuerAt(admin, { role: role.name })
    const states = async (): Promise<readonly string[]> =>
      valueOf(await issuer.observe(callWithin(5000))).known.map((one) => one.state)
    expect(await states()).toEqual(['on'])
    await accept(issuer, role.credential)
    expect(await states()).toEqual(['on', 'on'])
    await issuer.set(role.name, 'off', callWithin(5000))
    expect(await states()).toEqual(['off', 'on'])
    await issuer.set(role.name, 'gone', callWithin(5000))
    expect(await states()).toEqual(['gone', 'on'])
  })
})
