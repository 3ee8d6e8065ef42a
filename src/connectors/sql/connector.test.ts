import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Claim, proving } from '../../../test/systems/claims.ts'
import { queryAt, ready, versionAt } from '../../../test/servers/postgres.ts'
import { makeRole, openSession, type TestRole } from '../../../test/servers/role.ts'
import type { Answer } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Check, CheckResult } from '../../kit/check.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Credential } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type CheckFault, checkSuite, type CheckWorld } from '../../testing/check.ts'
import { type Door, openDoor } from './fake.ts'
import { openCheck } from './index.ts'
import { checkSchema } from './manifest.ts'

let admin: string
let role: TestRole
beforeAll(async () => {
  admin = await ready(inject('postgresUrl'))
  role = await makeRole(admin)
  await queryAt(role.url(), 'CREATE TABLE things (id int PRIMARY KEY, name text); CREATE SEQUENCE numbers')
  await queryAt(role.url(), `INSERT INTO things SELECT n, 'thing ' || n FROM generate_series(1, 5) n`)
})
afterAll(() => queryAt(admin, `DROP OWNED BY ${role.name}; DROP ROLE ${role.name}`))

const hostOf = (url: string): Host => ({ base: '/', now: () => Date.now(), resolve: async (text) => new Secret(text.replace('${env:URL}', url)), conceal: () => undefined })
const open = (config: object, url: string = role.url()): Check => openCheck(checkSchema.parse({ ...('login' in config ? {} : { url: '${env:URL}' }), ...config }), hostOf(url))
const seen = (answer: Answer<CheckResult>): string => {
  if (answer.is === 'ask') return 'ask'
  if (answer.is !== 'done') return `${answer.is} ${answer.code} ${String(answer.evidence?.['sqlstate'] ?? '')}`.trim()
  const { verdict, evidence } = answer.value
  return [verdict, evidence['unmet'] ?? evidence['sqlstate'] ?? evidence['cause']].filter((word) => word !== undefined).join(' ')
}
const look = async (query: string, expected: object = { atLeast: 0 }, more: object = {}): Promise<string> =>
  seen(await open({ query, expect: expected, ...more }).run(callWithin(10_000)))

async function world(takes: boolean): Promise<CheckWorld> {
  const door = await openDoor({ host: '127.0.0.1', port: Number(new URL(admin).port) })
  const login = `postgres://{user}:{password}@127.0.0.1:${door.port}/${role.database}`
  const url = role.url(role.name, role.password, door.port)
  const config = { query: `SELECT name FROM things WHERE id = 3`, ...(takes ? { login } : {}) }
  return {
    check: open({ ...config, expect: { equals: 'thing 3' } }, url),
    wrong: open({ ...config, expect: { equals: 'thing 4' } }, url),
    ...(takes ? { good: role.credential, bad: { id: role.name, fields: { ...role.credential.fields, password: new Secret(generate(ALNUM, 32)) } } } : {}),
    shown: ['thing 3', role.password],
    break: (fault) => breakDoor(door, fault),
    close: door.close,
  }
}

async function breakDoor(door: Door, fault: CheckFault): Promise<void> {
  if (fault === 'gone') await door.close()
  else door.fault = fault === 'error' ? { sqlstate: '57P03' } : fault
}

const onServer = async (): Promise<Claim> => ({ connector: 'sql', as: 'check', on: await versionAt(admin) })

checkSuite(proving(onServer), 'sql (S1-40, S3-30)', () => world(false))
checkSuite(proving(onServer), 'sql with a credential (S2-24, K-11)', () => world(true))

describe('a sql check', () => {
  it('compares the one value, or the number of rows', async () => {
    const count = 'SELECT count(*) FROM things'
    const cases: readonly (readonly [string, object, string])[] = [
      [count, { equals: 5 }, 'pass'], [count, { equals: 4 }, 'fail equals'], [count, { equals: '5' }, 'pass'],
      [count, { above: 4, below: 6 }, 'pass'], [count, { above: 5 }, 'fail above'], [count, { below: 5 }, 'fail below'],
      [count, { atMost: 4 }, 'fail atMost'], [count, { atLeast: 6 }, 'fail atLeast'], [count, { atMost: 5, atLeast: 5 }, 'pass'],
      ['SELECT 1.50::numeric', { equals: 1.5 }, 'pass'], ['SELECT 1e3::float8', { equals: 1000 }, 'pass'], [`SELECT 'NaN'::float8`, { above: 0 }, 'fail above'],
      ['SELECT true', { equals: true }, 'pass'], ['SELECT false', { equals: true }, 'fail equals'],
      ['SELECT null', { equals: null }, 'pass'], ['SELECT null', { equals: '' }, 'fail equals'], ['SELECT null', { below: 1 }, 'fail below'],
      [`SELECT ''`, { equals: null }, 'fail equals'], [`SELECT 'x'`, { above: 0 }, 'fail above'], [`SELECT ''`, { atMost: 0 }, 'fail atMost'],
      ['SELECT * FROM things', { rows: 5 }, 'pass'], ['SELECT * FROM things', { rows: 4 }, 'fail rows'],
      ['SELECT * FROM things WHERE false', { rows: 0 }, 'pass'], ['SELECT id FROM things WHERE false', { equals: null }, 'fail one-value'],
      ['SELECT id FROM things', { atLeast: 0 }, 'fail one-value'], ['SELECT 1, 2', { equals: 1 }, 'fail one-value'],
      ['SELECT n, repeat(\'x\', 1000) FROM generate_series(1, 20000) n', { rows: 20_000 }, 'pass'],
      ['TABLE things', { rows: 5 }, 'pass'], ['VALUES (1)', { equals: 1 }, 'pass'], ['WITH one AS (SELECT 1 AS n) SELECT n FROM one; -- done', { equals: 1 }, 'pass'],
    ]
    for (const [query, expected, says] of cases) expect(await look(query, expected), `${query} ${JSON.stringify(expected)}`).toBe(says)
  })

  it('shows a number that is compared as one, and no other value', async () => {
    const evidence = async (query: string, expected: object): Promise<unknown> => {
      const answer = await open({ query, expect: expected }).run(callWithin(10_000))
      return answer.is === 'done' ? answer.value.evidence : answer
    }
    expect(await evidence('SELECT 41 + 1', { below: 50 })).toEqual({ rows: 1, value: 42 })
    expect(await evidence('SELECT 41 + 1', { equals: 42 })).toEqual({ rows: 1 })
    expect(await evidence(`SELECT 'a secret'`, { equals: 'x' })).toEqual({ rows: 1, unmet: 'equals' })
    expect(await evidence(`SELECT 'a secret'`, { below: 1 })).toEqual({ rows: 1, unmet: 'below' })
  })

  it.each([
    `DELETE FROM things RETURNING id`,
    `INSERT INTO things VALUES (99, 'x') RETURNING id`,
    `UPDATE things SET name = 'x' RETURNING id`,
    `WITH gone AS (DELETE FROM things RETURNING id) SELECT count(*) FROM gone`,
    `SELECT 1; DELETE FROM things`,
    `SELECT 1; COMMIT; DELETE FROM things`,
    `DROP TABLE things`,
    `SELECT * INTO others FROM things`,
    `SELECT id FROM things WHERE id = 1 FOR UPDATE`,
    `SELECT nextval('numbers')`,
    `COPY things TO PROGRAM 'touch /tmp/keyturn-no-such'`,
    `CALL nothing()`,
    `DO 'BEGIN DELETE FROM things; END'`,
    `SET default_transaction_read_only = off`,
    `not a query at all`,
  ])('never writes: %s', async (query) => {
    expect(await look(query)).toMatch(/^refused MANIFEST_INVALID (?:25006|42601|0A000)$/)
    expect(await queryAt(role.url(), 'SELECT count(*)::int AS things, (SELECT last_value::int FROM numbers) AS numbers FROM things')).toEqual([{ things: 5, numbers: 1 }])
  })

  it('never writes by a function either, also not when it first asks for the right to', async () => {
    await queryAt(role.url(), `CREATE FUNCTION sly() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
      PERFORM set_config('transaction_read_only', 'off', false); DELETE FROM things; RETURN 1; END $$`)
    expect(await look('SELECT sly()', { equals: 1 })).toMatch(/25001|25006/)
    expect(await look(`SELECT set_config('transaction_read_only', 'off', false), sly()`, { rows: 1 })).toMatch(/25001|25006/)
    expect(await look('SELECT count(*) FROM things', { equals: 5 })).toBe('pass')
  })

  it('fails with the server\'s own word for a login or a query that it refuses', async () => {
    const at = (url: string): Promise<string> => open({ query: 'SELECT 1', expect: { equals: 1 } }, url).run(callWithin(10_000)).then(seen)
    expect(await at(role.url(role.name, generate(ALNUM, 20)))).toBe('fail 28P01')
    expect(await at(role.url().replace(`/${role.database}`, '/no_such_database'))).toBe('fail 3D000')
    expect(await look('SELECT * FROM no_such_table')).toBe('fail 42P01')
    expect(await look('SELECT rolpassword FROM pg_authid')).toBe('fail 42501')
    expect(await look('SELECT 1 / 0')).toBe('fail 22012')
  })

  it('is not sure when the server cannot be asked, is full, or takes too long (X-10)', async () => {
    const door = await openDoor({ host: '127.0.0.1', port: Number(new URL(admin).port) })
    const through = (): Promise<string> => open({ query: 'SELECT 1', expect: { equals: 1 } }, role.url(role.name, role.password, door.port)).run(callWithin(10_000)).then(seen)
    expect(await through()).toBe('pass')
    for (const sqlstate of ['53300', '57P01', '57P03', '08P01', '55000', '58030', 'XX000']) {
      door.fault = { sqlstate }
      expect(await through()).toBe(`inconclusive ${sqlstate}`)
    }
    for (const message of ['password authentication failed', 'SASL authentication failed', 'no such user']) {
      door.fault = { sqlstate: '08P01', message }
      expect(await through(), message).toBe('fail 08P01')
    }
    door.fault = 'reset'
    expect(await through()).toMatch(/^inconclusive (?:ECONNRESET|CONNECTION_LOST)$/)
    await door.close()
    expect(await through()).toBe('inconclusive ECONNREFUSED')
    expect(await look('SELECT pg_sleep(60)', { rows: 1 }, { timeout: '300ms' })).toMatch(/^inconclusive (?:57014|DEADLINE)$/)
  })

  it('leaves no session and no transaction behind, and is seen as keyturn\'s own', async () => {
    const own = `SELECT count(*) FROM pg_stat_activity WHERE usename = '${role.name}' AND application_name = 'keyturn'`
    expect(await look(own, { equals: 1 })).toBe('pass')
    expect(await look('SELECT 1 / 0')).toBe('fail 22012')
    expect(await queryAt(admin, own)).toEqual([{ count: '0' }])
    const observer = await openSession(role.url())
    expect(await look(`SELECT pg_advisory_xact_lock(4711)`, { rows: 1 })).toBe('pass')
    expect((await observer.client.query<{ free: boolean }>('SELECT pg_try_advisory_lock(4711) AS free')).rows).toEqual([{ free: true }])
    await observer.close()
  })

  it('takes nothing from the environment: not the password of somebody else (I12)', async () => {
    process.env['PGPASSWORD'] = role.password
    try {
      const without = role.url(role.name, '')
      expect(await open({ query: 'SELECT 1', expect: { equals: 1 } }, without).run(callWithin(10_000)).then(seen)).not.toMatch(/^pass/)
    } finally {
      delete process.env['PGPASSWORD']
    }
  })
})

describe('the login of a sql check', () => {
  const as = (fields: Readonly<Record<string, string>>): Credential => ({ id: 'x', fields: Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, new Secret(text)])) })
  const login = (): string => `postgres://{user}:{password}@127.0.0.1:${new URL(admin).port}/postgres`

  it('percent-encodes the fields', async () => {
    const odd = await makeRole(admin, { prefix: 'o@d/d:{x}?' })
    const password = `it's "odd" \\ %41 @:/?#[] {user} ${generate(ALNUM, 8)}`
    await queryAt(admin, `ALTER ROLE "${odd.name}" PASSWORD '${password.replaceAll('\'', '\'\'')}'`)
    const check = open({ login: login(), query: 'SELECT current_user', expect: { equals: odd.name } })
    expect(seen(await check.run(callWithin(10_000), as({ user: odd.name, password })))).toBe('pass')
    expect(seen(await check.run(callWithin(10_000), as({ user: odd.name, password: `${password}x` })))).toBe('fail 28P01')
    await queryAt(admin, `DROP OWNED BY "${odd.name}"; DROP ROLE "${odd.name}"`)
  })

  it('needs every field that it names', async () => {
    const check = open({ login: login(), query: 'SELECT 1', expect: { equals: 1 } })
    expect(seen(await check.run(callWithin(10_000), as({ user: 'x' })))).toBe('refused MANIFEST_INVALID')
    expect(seen(await check.run(callWithin(10_000), as({ user: 'x', password: '' })))).toBe('refused MANIFEST_INVALID')
  })

  it('takes its password from a field, never from the manifest', () => {
    const parses = (more: object): boolean => checkSchema.safeParse({ query: 'SELECT 1', expect: { equals: 1 }, ...more }).success
    expect(parses({ login: 'postgres://{user}:{password}@db/app' })).toBe(true)
    expect(parses({ login: 'postgresql://app:{secret}@[::1]:6432/app?sslmode=verify-full' })).toBe(true)
    for (const text of ['postgres://{user}@db/app', 'postgres://{user}:literal@db/app', 'postgres://{user}:a{password}@db/app', 'mysql://{user}:{password}@db/app', 'postgres://{user}:{password}@${env:DB}/app', '{url}']) {
      expect(parses({ login: text }), text).toBe(false)
    }
    expect(parses({})).toBe(false)
    expect(parses({ url: '${env:URL}', login: 'postgres://{user}:{password}@db/app' })).toBe(false)
    expect(parses({ url: '${env:URL}', expect: {} })).toBe(false)
  })

  it('says what is wrong with a URL without quoting it', async () => {
    const value = generate(ALNUM, 20)
    for (const url of [`mysql://x:${value}@db/app`, value, `postgres://:${value}@db/app`, `postgres://x:${value}%zz@db/app`, `postgres://x:${value}@127.0.0.1:1/app?sslmode=perhaps`, `postgres://x:${value}@127.0.0.1:1/app?sslmode=verify-full&sslrootcert=/no/such`]) {
      const answer = await open({ query: 'SELECT 1', expect: { equals: 1 } }, url).run(callWithin(10_000))
      expect(answer).toMatchObject({ is: 'refused', code: 'REFERENCE_UNRESOLVED' })
      expect(JSON.stringify(answer)).not.toContain(value)
    }
  })
})
