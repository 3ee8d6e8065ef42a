import { inject, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { queryAt, ready, until } from '../../../test/servers/postgres.ts'
import { makeRole, type TestRole } from '../../../test/servers/role.ts'
import { type Issuer, Secret } from '../../kit/index.ts'
import { callWithin } from '../../testing/call.ts'
import { type FaultyProxy, faultyProxy } from './fake.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './manifest.ts'

let admin = ''
let role: TestRole
let proxy: FaultyProxy
let issuer: Issuer
/** What the reference gives. */
let url = ''
beforeAll(async () => {
  admin = await ready(inject('postgresUrl'))
})
beforeEach(async () => {
  role = await makeRole(admin, { database: 'own' })
  proxy = await faultyProxy({ host: '127.0.0.1', port: Number(new URL(admin).port) })
  url = role.url(new URL(admin).username, new URL(admin).password, proxy.port)
  issuer = openIssuer(issuerSchema.parse({ admin: '${env:PG_ADMIN_URL}', role: role.name }), { base: '/', now: Date.now, resolve: async () => new Secret(url), conceal() {} })
  onTestFinished(async () => {
    await issuer.close()
    await proxy.close()
  })
})

/** How often keyturn has logged in. */
const logins = (): number => proxy.wire().split('application_name\0keyturn').length - 1
/** The sessions of keyturn at the server. */
const own = (): Promise<readonly object[]> => queryAt(admin, `select pid from pg_stat_activity where application_name = 'keyturn' and datname = '${role.database}'`)
const observe = async (within = 5_000): Promise<string> => {
  const answer = await issuer.observe(callWithin(within))
  return answer.is === 'done' ? 'done' : `${answer.is} ${'code' in answer ? answer.code : ''}`
}

it('the connection of the admin serves one call after the other, effects too', async () => {
  const next = issuer.propose(role.credential)
  expect(await issuer.mint({ credential: next, tag: 'test' }, callWithin(5_000))).toMatchObject({ is: 'done' })
  const before = logins()
  expect([await observe(), await observe()]).toEqual(['done', 'done'])
  expect(await issuer.set(role.name, 'off', callWithin(5_000))).toMatchObject({ is: 'done' })
  expect(logins()).toBe(before)
})

it('two calls at the same time have two, of which one is kept', async () => {
  expect(await Promise.all([observe(), observe()])).toEqual(['done', 'done'])
  expect(logins()).toBe(2)
  await until(async () => (await own()).length === 1, 'there are two connections')
  expect(await observe()).toBe('done')
  expect(logins()).toBe(2)
})

it('of another login, which the reference gives from now on, is a new one', async () => {
  await observe()
  const name = `second_${role.name}`
  await queryAt(admin, `CREATE ROLE "${name}" LOGIN SUPERUSER PASSWORD 'x${role.name}'`)
  onTestFinished(async () => void (await queryAt(admin, `DROP ROLE "${name}"`)))
  url = role.url(name, `x${role.name}`, proxy.port)
  expect(await observe()).toBe('done')
  expect(logins()).toBe(2)
  await issuer.close()
})

it('that was cut in the meantime is replaced, and the call does not suffer', async () => {
  await observe()
  await queryAt(admin, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'keyturn' and datname = '${role.database}'`)
  expect(await observe()).toBe('done')
  expect(logins()).toBe(2)
})

it('on which a statement failed is not used again: its transaction may be open', async () => {
  await observe()
  proxy.inject({ on: /^ALTER ROLE/, act: 'error', error: 'XX000' })
  expect(await issuer.mint({ credential: issuer.propose(role.credential), tag: 'test' }, callWithin(5_000))).toMatchObject({ code: 'SERVER_ERROR' })
  expect(await observe()).toBe('done')
  expect(logins()).toBe(2)
})

it('dies with the call that it serves, and not with one before', async () => {
  const short = callWithin(300)
  expect(await issuer.observe(short)).toMatchObject({ is: 'done' })
  await new Promise((resolve) => { short.signal.addEventListener('abort', resolve, { once: true }) })
  expect(await observe()).toBe('done')
  expect(logins()).toBe(1)
  proxy.inject({ on: /SET search_path/, act: 'hold', ms: 600 })
  expect(await observe(200)).toBe('unknown DEADLINE')
})

it('ends with the issuer', async () => {
  await observe()
  await issuer.close()
  await until(async () => (await own()).length === 0, 'a connection lives on')
  expect(await observe()).toBe('done')
  await until(async () => (await own()).length === 0, 'a connection was kept after the end')
})
