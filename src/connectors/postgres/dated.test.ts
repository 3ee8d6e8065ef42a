import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { queryAt, ready } from '../../../test/servers/postgres.ts'
import { accept, forget, issuerAt, valueOf, verdictOf } from '../../../test/servers/postgres-issuer.ts'
import { makeRole, type TestRole } from '../../../test/servers/role.ts'
import type { Credential } from '../../kit/index.ts'
import { callWithin } from '../../testing/call.ts'
import { isDated, nextDated } from './dated.ts'
import { issuerSchema } from './manifest.ts'

const call = () => callWithin(10_000)
const text = (credential: Credential, field: string): string => credential.fields[field]?.reveal() ?? ''

describe('the name of a dated role (S2-19)', () => {
  const day = Date.UTC(2026, 10, 21, 23, 59)

  it('is the day and a letter, and the next one of a day has the next letter', () => {
    expect(nextDated('app', 'app', day)).toBe('app_20261121a')
    expect(nextDated('app', 'app_20261121a', day)).toBe('app_20261121b')
    expect(nextDated('app', 'app_20261121z', day)).toBe('app_20261121a')
    expect(nextDated('app', 'app_20261120c', day)).toBe('app_20261121a')
    expect(nextDated('app', 'app_20261121a', day + 120_000)).toBe('app_20261122a')
  })

  it('is of its original only', () => {
    expect(isDated('app', 'app_20261121a')).toBe(true)
    for (const other of ['app', 'app_reader', 'app_20261121', 'app_20261121ab', 'web_20261121a', 'app_x_20261121a']) expect(isDated('app', other), other).toBe(false)
  })

  it('leaves room for itself, and takes no companion', () => {
    const parse = (more: object): boolean => issuerSchema.safeParse({ admin: '${env:PG_ADMIN_URL}', strategy: 'overlap', ...more }).success
    expect(parse({ role: 'a'.repeat(53) })).toBe(true)
    expect(parse({ role: 'a'.repeat(54) })).toBe(false)
    expect(parse({ role: 'app', companion: 'app_b' })).toBe(false)
  })
})

describe('dated roles', () => {
  let admin: string
  let role: TestRole
  beforeAll(async () => {
    admin = await ready(inject('postgresUrl'))
    role = await makeRole(admin, { database: 'own' })
    await queryAt(admin, `CREATE DATABASE "${role.name}_2" OWNER "${role.name}"`)
  })
  afterAll(async () => {
    await queryAt(admin, `DROP DATABASE "${role.name}" WITH (FORCE)`)
    await queryAt(admin, `DROP DATABASE "${role.name}_2" WITH (FORCE)`)
  })
  const open = (url = admin) => issuerAt(url, { role: role.name, database: role.database, strategy: 'overlap' })
  const exists = async (name: string): Promise<boolean> => (await queryAt(admin, 'SELECT FROM pg_roles WHERE rolname = $1', [name])).length === 1
  const at = (credential: Credential, database = role.database): string => role.url(credential.id, text(credential, 'password')).replace(/[^/]*$/, database)
  const ownerOf = async (database: string, table: string): Promise<unknown> =>
    (await queryAt(role.url(new URL(admin).username, new URL(admin).password).replace(/[^/]*$/, database), `SELECT tableowner FROM pg_tables WHERE tablename = $1`, [table]))[0]?.['tableowner']

  it('follow each other; the one that is gone is dropped, the original stays and owns everything (S2-18, S2-25, C-16)', async () => {
    const issuer = open()
    await queryAt(role.url(), 'CREATE TABLE things (id serial PRIMARY KEY, name text)')
    const first = await accept(issuer, role.credential)
    expect(isDated(role.name, first.id)).toBe(true)
    await queryAt(at(first), `INSERT INTO things (name) VALUES ('a'); ALTER TABLE things ADD COLUMN more int; CREATE TABLE made (id int)`)
    expect(await ownerOf(role.database, 'made')).toBe(role.name)
    await forget(issuer, role.credential)
    expect(await exists(role.name)).toBe(true)
    expect((await verdictOf(issuer, role.credential)).verdict).toBe('rejected')

    // What it owns by itself, in two databases, and what it was granted by name.
    await queryAt(at(first), 'SET ROLE NONE; CREATE SCHEMA own; CREATE TABLE own.table_1 (id int)').catch(async () => {
      await queryAt(role.url(new URL(admin).username, new URL(admin).password), `CREATE SCHEMA own AUTHORIZATION "${first.id}"; CREATE TABLE own.table_1 (id int); ALTER TABLE own.table_1 OWNER TO "${first.id}"`)
    })
    await queryAt(admin.replace(/[^/]*$/, `${role.name}_2`), `CREATE TABLE table_2 (id int); ALTER TABLE table_2 OWNER TO "${first.id}"; CREATE TABLE table_3 (id int); GRANT SELECT ON table_3 TO "${first.id}"`)
    await queryAt(admin, `GRANT CONNECT ON DATABASE postgres TO "${first.id}"`)

    const second = await accept(issuer, first)
    expect([second.id, isDated(role.name, second.id)]).not.toEqual([first.id, false])
    await forget(issuer, first)
    expect(await exists(first.id)).toBe(false)
    expect(await ownerOf(role.database, 'table_1')).toBe(role.name)
    expect(await ownerOf(`${role.name}_2`, 'table_2')).toBe(role.name)
    expect((await verdictOf(issuer, first)).verdict).toBe('rejected')
    expect((await verdictOf(issuer, second)).verdict).toBe('accepted')
    const seen = valueOf(await issuer.observe(call()))
    expect(seen.known.map(({ id, state }) => [id, state])).toEqual([[role.name, 'gone'], [second.id, 'on']])
    // Repeated after a crash it is done, and says that there was nothing.
    expect(valueOf(await issuer.set(first.id, 'gone', call())).evidence).toMatchObject({ absent: true })
  })

  it('are never ended under a name that is not one of them: that is an error, not a success that did nothing (C-16)', async () => {
    const issuer = open()
    for (const name of [`${role.name}_old`, 'nova_old']) {
      expect(await issuer.set(name, 'gone', call())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
    }
    const never = { id: `${role.name}_20200101a`, fields: role.credential.fields }
    expect(await issuer.preflight(never, issuer.propose(never).id, call())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
  })

  it('stay, off, while a database that takes no connections holds what depends on them; its name is told (C-16)', async () => {
    const issuer = open()
    const dated = `${role.name}_20260101a`
    const second = `${role.name}_2`
    await queryAt(admin, `CREATE ROLE "${dated}" LOGIN PASSWORD 'x'`)
    await queryAt(admin.replace(/[^/]*$/, second), `CREATE TABLE late (id int); ALTER TABLE late OWNER TO "${dated}"`)
    await queryAt(admin, `ALTER DATABASE "${second}" ALLOW_CONNECTIONS false`)
    const refusal = await issuer.set(dated, 'gone', call())
    expect(refusal).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining(second) })
    expect(await queryAt(admin, 'SELECT rolcanlogin FROM pg_roles WHERE rolname = $1', [dated])).toEqual([{ rolcanlogin: false }])
    await queryAt(admin, `ALTER DATABASE "${second}" ALLOW_CONNECTIONS true`)
    expect(valueOf(await issuer.set(dated, 'gone', call())).evidence).toMatchObject({ dropped: true, databases: 1 })
    expect(await ownerOf(second, 'late')).toBe(role.name)
  })

  it('are dropped by an admin who is no superuser, who keeps no right that it did not have', async () => {
    const own = await makeRole(admin)
    const manager = `manager_${own.name}`
    const secret = new URL(admin).password
    await queryAt(admin, `CREATE ROLE "${manager}" LOGIN CREATEROLE PASSWORD '${secret}'; GRANT pg_read_all_stats, pg_signal_backend TO "${manager}";
      GRANT "${own.name}" TO "${manager}" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`)
    const issuer = issuerAt(own.url(manager, secret), { role: own.name, strategy: 'overlap' })
    const first = await accept(issuer, own.credential)
    await queryAt(admin, `CREATE TABLE "${own.name}".mine (id int); ALTER TABLE "${own.name}".mine OWNER TO "${first.id}"`)
    const memberships = (): Promise<unknown> => queryAt(admin, `SELECT roleid::regrole::text, inherit_option, set_option FROM pg_auth_members WHERE member = $1::regrole AND roleid = $2::regrole ORDER BY 1, 2, 3`, [`"${manager}"`, `"${own.name}"`])
    const before = await memberships()
    await forget(issuer, first)
    expect(await exists(first.id)).toBe(false)
    expect(await ownerOf('postgres', 'mine')).toBe(own.name)
    expect(await memberships()).toEqual(before)
  })
})
