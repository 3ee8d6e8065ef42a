import { beforeAll, describe, expect, inject, it } from 'vitest'
import { accept, forget, issuerAt, valueOf, verdictOf } from '../servers/postgres-issuer.ts'
import { queryAt, ready } from '../servers/postgres.ts'
import { makeRole, openSession, type TestRole } from '../servers/role.ts'
import { callWithin } from '../../src/testing/call.ts'
import type { Credential } from '../../src/kit/index.ts'

// What the runbooks do to roles of PostgreSQL, by their own statements on a real server, and the same by keyturn beside it.

let admin = ''
beforeAll(async () => { admin = await ready(inject('postgresUrl')) })

function as(role: TestRole, credential: Credential, sql: string): Promise<Record<string, unknown>[]> {
  return queryAt(role.url(credential.fields['user']?.reveal(), credential.fields['password']?.reveal()), sql)
}

/** The SQLSTATE that a statement ends with; undefined when it does not fail. */
function stateOf(made: Promise<unknown>): Promise<string | undefined> {
  return made.then(() => undefined, (thrown: { readonly code?: string }) => thrown.code)
}

describe('a second role', () => {
  it('with GRANT ALL ON ALL TABLES cannot insert into a serial table, alter it, or see a later one: that of keyturn can, and is another role only by its login (C-15)', async () => {
    const role = await makeRole(admin)
    await as(role, role.credential, 'CREATE TABLE jobs (id serial PRIMARY KEY, note text)')
    const runbook = await makeRole(admin, { prefix: 'nova_new' })
    await role.admin(`GRANT ALL ON SCHEMA "${role.name}" TO "${runbook.name}"; GRANT ALL ON ALL TABLES IN SCHEMA "${role.name}" TO "${runbook.name}"`)
    await as(role, role.credential, 'CREATE TABLE later (id int)')
    const failed = async (sql: string): Promise<string | undefined> => stateOf(as(role, runbook.credential, sql))
    expect(await failed(`INSERT INTO "${role.name}".jobs (note) VALUES ('x')`)).toBe('42501')
    expect(await failed(`ALTER TABLE "${role.name}".jobs ADD COLUMN more int`)).toBe('42501')
    expect(await failed(`SELECT * FROM "${role.name}".later`)).toBe('42501')

    const next = await accept(issuerAt(admin, { role: role.name }), role.credential)
    await as(role, next, `INSERT INTO jobs (note) VALUES ('x'); ALTER TABLE jobs ADD COLUMN more int; SELECT * FROM later`)
  })

  it('that is dropped by another name than its own is not dropped and that is called a success; its own name fails: keyturn ends the one that it recorded, with what depends on it (C-16)', async () => {
    const role = await makeRole(admin)
    await as(role, role.credential, 'CREATE TABLE jobs (id serial PRIMARY KEY)')
    await role.admin('DROP ROLE IF EXISTS nova_old_that_never_was')
    expect(await stateOf(role.admin(`DROP ROLE IF EXISTS "${role.name}"`))).toBe('2BP01')
    expect(await stateOf(queryAt(role.url(), 'SELECT 1'))).toBeUndefined()

    const issuer = issuerAt(admin, { role: role.name, strategy: 'overlap' })
    const first = await accept(issuer, role.credential)
    await forget(issuer, role.credential)
    const second = await accept(issuer, first)
    await as(role, first, 'CREATE TABLE made_by_it (id int)')
    await forget(issuer, first)
    expect(await role.admin('SELECT 1 FROM pg_roles WHERE rolname = $1', [first.id])).toEqual([])
    expect((await verdictOf(issuer, second)).verdict).toBe('accepted')
    expect(await role.admin(`SELECT tableowner FROM pg_tables WHERE tablename = 'made_by_it' AND schemaname = $1`, [role.name])).toEqual([{ tableowner: role.name }])
    // A name that is none of its roles is an error, and not a success that did nothing.
    expect(await issuer.set('nova_old', 'gone', callWithin(5_000))).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
  })
})

describe('a password', () => {
  it('that ALTER USER replaces is dead for new logins at once while old sessions live on: keyturn has two accepted side by side until nobody uses the first (C-08)', async () => {
    const role = await makeRole(admin)
    const session = await openSession(role.url())
    await role.admin(`ALTER USER "${role.name}" WITH PASSWORD 'another-0123456789'`)
    expect(await stateOf(queryAt(role.url(), 'SELECT 1'))).toBe('28P01')
    expect(await session.alive()).toBe(true)
    await session.close()

    const other = await makeRole(admin)
    const issuer = issuerAt(admin, { role: other.name })
    const next = await accept(issuer, other.credential)
    for (const one of [other.credential, next]) expect((await verdictOf(issuer, one)).verdict).toBe('accepted')
  })

  it('that nobody has tried is not proven dead: the runbook ends with the old role alive, keyturn has the server reject it (C-03)', async () => {
    const runbook = await makeRole(admin)
    await makeRole(admin, { prefix: 'nova_new' })
    expect(await stateOf(queryAt(runbook.url(), 'SELECT 1'))).toBeUndefined()

    const role = await makeRole(admin)
    const issuer = issuerAt(admin, { role: role.name })
    await accept(issuer, role.credential)
    await forget(issuer, role.credential)
    expect(await verdictOf(issuer, role.credential)).toMatchObject({ verdict: 'rejected' })
    expect(valueOf(await issuer.observe(callWithin(5_000))).known.find(({ id }) => id === role.name)?.state).toBe('gone')
  })
})
