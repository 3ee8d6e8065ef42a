import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Host } from '../../../src/kit/call.ts'
import type { Presented } from '../../../src/kit/consumer.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { openAttestor, openCheck, openConsumer, openStore } from '../../../src/connectors/pgbouncer/index.ts'
import { attestorSchema, checkSchema, consumerSchema, storeSchema } from '../../../src/connectors/pgbouncer/manifest.ts'
import { attestorSuite } from '../../../src/testing/attestor.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { type CheckFault, checkSuite } from '../../../src/testing/check.ts'
import { consumerSuite, valueOf } from '../../../src/testing/consumer.ts'
import { until } from '../../../src/testing/until.ts'
import { type PostgresServer, queryAt, startPostgres } from '../../servers/postgres.ts'
import { openSession } from '../../servers/role.ts'
import { type Claims, proving } from '../claims.ts'
import { type Pooler, startPooler } from './pooler.ts'

const OLD = generate(ALNUM, 32)
const NEXT = generate(ALNUM, 32)
const poolers = [{ name: 'pool-1', console: '${env:POOLER_ADMIN_URL}' }]
const of = (user: string, password: string): Presented => ({ fields: { user: new Secret(user), password: new Secret(password) }, entries: {} })
const line = ({ fields }: Presented): string => `"${fields['user']?.reveal()}" "${fields['password']?.reveal()}"`

/** What the instance of the attestor's world holds. */
let held = 'new'
let server: PostgresServer
let version = ''
beforeAll(async () => {
  server = await startPostgres({ config: { log_statement: 'none' } })
  await server.query(`CREATE ROLE app LOGIN PASSWORD '${OLD}'; CREATE ROLE app_alt LOGIN PASSWORD '${NEXT}'`)
  const first = await startPooler({ server: server.port })
  version = await first.version()
  await first.stop()
})
afterAll(() => server.stop())

const onReal = (as: 'consumer' | 'check' | 'attestor'): Claims => () => ({ connector: 'pgbouncer', as, on: version })
const hostOf = (pooler: Pooler): Host => ({ base: '/', now: () => Date.now(), resolve: async () => new Secret(pooler.adminUrl), conceal: () => undefined })
const consumerOf = (pooler: Pooler) => openConsumer(consumerSchema.parse({ poolers, database: 'postgres' }), hostOf(pooler))
const storeOf = (pooler: Pooler) => openStore(storeSchema.parse({ file: pooler.userlist, users: ['app', 'app_alt'] }), { base: '/' })
const call = () => callWithin(10_000)

/** Whether a login through it works: `ok`, or what it says. */
async function told(pooler: Pooler, { fields: { user, password } }: Presented): Promise<string> {
  const url = pooler.url(user?.reveal() ?? '', password?.reveal() ?? '')
  return queryAt(url, 'SELECT 1').then(() => 'ok', (thrown: unknown) => (thrown instanceof Error ? thrown.message : ''))
}

async function publish(pooler: Pooler, which: Presented): Promise<void> {
  const store = storeOf(pooler)
  const { revision } = valueOf(await store.read([], call()))
  valueOf(await store.write(which.fields, revision, call()))
}

async function breakIt(pooler: Pooler, fault: CheckFault): Promise<void> {
  if (fault === 'slow') pooler.signal('SIGSTOP')
  else if (fault === 'error') await pooler.demote('look')
  else await pooler.end()
}

consumerSuite(proving(onReal('consumer')), 'pgbouncer, in place (S2-22, S0-08)', async () => {
  // The server takes both while the pooler learns the new one, as it keeps its server connection.
  const [old, next] = [of('app', OLD), of('app', generate(ALNUM, 32))]
  const pooler = await startPooler({ server: server.port, users: [line(old)] })
  await told(pooler, old)
  return {
    consumer: consumerOf(pooler), again: consumerOf(pooler), old, next,
    publish: (which) => publish(pooler, which),
    truth: async () => ((await told(pooler, next)) === 'ok' ? 'new' : (await told(pooler, old)) === 'ok' ? 'old' : 'neither'),
    break: (fault) => breakIt(pooler, fault),
    close: () => pooler.stop(),
  }
})

checkSuite(proving(onReal('check')), 'pgbouncer (S2-24)', async () => {
  // Who comes while the server is away waits no longer than this.
  const pooler = await startPooler({ server: server.port, users: [line(of('app', OLD))], settings: { query_wait_timeout: '1' } })
  const other = await startPooler({ server: server.port })
  const host: Host = { ...hostOf(pooler), resolve: async (text) => new Secret((text.includes('OTHER') ? other : pooler).adminUrl) }
  const credential = (password: string) => ({ id: 'app', fields: of('app', password).fields })
  return {
    check: openCheck(checkSchema.parse({ poolers, database: 'postgres' }), host),
    wrong: openCheck(checkSchema.parse({ poolers: [...poolers, { name: 'pool-2', console: '${env:OTHER}' }], database: 'postgres' }), host),
    good: credential(OLD), bad: credential(NEXT), shown: [],
    break: async (fault) => (fault === 'error' ? pooler.shut() : breakIt(pooler, fault)),
    close: async () => {
      await pooler.stop()
      await other.stop()
    },
  }
})

attestorSuite(proving(onReal('attestor')), 'pgbouncer, by SHOW CLIENTS (S2-26)', async () => {
  const [next, old, other] = [of('app_alt', NEXT), of('app', OLD), of('postgres', new URL(server.adminUrl).password)]
  const pooler = await startPooler({ server: server.port, users: [line(next), line(old), line(other)] })
  const sessions = new Map<string, Awaited<ReturnType<typeof openSession>>>()
  for (const [which, { fields }] of Object.entries({ new: next, old, neither: other })) {
    sessions.set(which, await openSession(pooler.url(fields['user']?.reveal() ?? '', fields['password']?.reveal() ?? ''), which))
  }
  return {
    attestor: { proof: 'issuer', attest: (instance, ...rest) => openAttestor(attestorSchema.parse({ poolers, application: held }), hostOf(pooler)).attest(instance, ...rest) },
    instance: { id: 'one', name: 'one', ready: true }, next, old,
    hold: (which) => { held = which },
    break: (fault) => (fault === 'error' ? pooler.demote('nothing') : breakIt(pooler, fault)),
    close: async () => {
      pooler.signal('SIGCONT')
      for (const session of sessions.values()) await session.close()
      await pooler.stop()
    },
  }
})

describe('a PgBouncer', () => {
  const started = async (users: readonly string[], settings?: Record<string, string>): Promise<Pooler> => {
    const pooler = await startPooler({ server: server.port, users, ...(settings === undefined ? {} : { settings }) })
    onTestFinished(() => pooler.stop())
    return pooler
  }

  it('keeps the old login beside the new one, other lines byte for byte, and its clients through a RELOAD (S0-08, S2-20)', async () => {
    const [old, next] = [of('app', OLD), of('app_alt', NEXT)]
    const pooler = await started([line(old), '"other" "kept"'])
    const client = await openSession(pooler.url('app', OLD))
    const before = readFileSync(pooler.userlist, 'utf8')
    await publish(pooler, next)
    expect(await told(pooler, next)).toBe('SASL authentication failed')
    valueOf(await consumerOf(pooler).reload(call()))
    await until(async () => (await told(pooler, next)) === 'ok')
    expect(await told(pooler, old)).toBe('ok')
    expect(await client.alive()).toBe(true)
    expect(readFileSync(pooler.userlist, 'utf8').replace(`${line(next)}\n`, '')).toBe(before)
    await client.close()
  })

  it('reloads exactly the one that is named, not its neighbour (S2-22, D-10)', async () => {
    const [old, next] = [of('app', OLD), of('app_alt', NEXT)]
    const [one, two] = [await started([line(old)]), await started([line(old)])]
    for (const pooler of [one, two]) await publish(pooler, next)
    valueOf(await consumerOf(one).reload(call()))
    await until(async () => (await told(one, next)) === 'ok')
    expect(two.log()).not.toContain('RELOAD command issued')
    expect(await told(two, next)).toBe('SASL authentication failed')
  })

  it('names the right that the user of the console lacks', async () => {
    const pooler = await started([line(of('app', OLD))])
    await pooler.demote('look')
    expect(await consumerOf(pooler).preflight(call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('admin_users') })
    expect(await consumerOf(pooler).reload(call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING' })
  })

  it('recovers from an outage of a second: the reload is unknown, the next one is done (X-10)', async () => {
    const [old, next] = [of('app', OLD), of('app_alt', NEXT)]
    const pooler = await started([line(old)])
    const consumer = consumerOf(pooler)
    const instance = { id: 'pool-1', name: 'pool-1', ready: true }
    await publish(pooler, next)
    pooler.signal('SIGSTOP')
    expect(await consumer.reload(callWithin(1_000))).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    expect(valueOf(await consumer.attest(instance, next, old, callWithin(300))).holds).toBe('unseen')
    pooler.signal('SIGCONT')
    valueOf(await consumer.reload(call()))
    await until(async () => valueOf(await consumer.attest(instance, next, old, call())).holds === 'new')
  })

  it('has lost everybody behind a broken line after RELOAD, which says nothing; the store refuses such a file', async () => {
    const pooler = await started([line(of('app', OLD))])
    const text = readFileSync(pooler.userlist, 'utf8')
    writeFileSync(pooler.userlist, text.replace('"app"', 'broken\n"app"'))
    expect(await storeOf(pooler).preflight(call())).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
    valueOf(await consumerOf(pooler).reload(call()))
    await until(async () => pooler.log().includes('broken auth file'))
    const answer = await consumerOf(pooler).attest({ id: 'pool-1', name: 'pool-1', ready: true }, of('app', OLD), undefined, call())
    expect(valueOf(answer).holds).not.toBe('new')
  })

  it('proves nothing where it lets everybody in', async () => {
    const pooler = await started([line(of('app', OLD))])
    const consumer = consumerOf(pooler)
    await queryAt(pooler.adminUrl, `SET auth_type = 'trust'`)
    expect(await consumer.preflight(call())).toMatchObject({ is: 'refused', code: 'PROBE_MEANINGLESS' })
    expect(valueOf(await consumer.attest({ id: 'pool-1', name: 'pool-1', ready: true }, of('app', OLD), undefined, call())).holds).toBe('unseen')
  })

  it('with SCRAM verifiers gets those of the server byte for byte, and loses those of roles that are off (S2-21, S2-27)', async () => {
    const [one, two] = [of('scram_1', generate(ALNUM, 32)), of('scram_2', generate(ALNUM, 32))]
    const verifierOf = async (role: string): Promise<string> => String((await server.query('SELECT rolpassword FROM pg_authid WHERE rolname = $1', [role]))[0]?.['rolpassword'])
    await server.query(`CREATE ROLE scram_1 LOGIN PASSWORD '${one.fields['password']?.reveal()}'`)
    const pooler = await started([`"scram_1" "${await verifierOf('scram_1')}" ; ours`, line(of('app', OLD))])
    const host: Host = { ...hostOf(pooler), resolve: async (text) => new Secret(text.includes('PG_ADMIN') ? server.adminUrl : pooler.adminUrl) }
    const consumer = openConsumer(consumerSchema.parse({ poolers, database: 'postgres', verifiers: { admin: '${env:PG_ADMIN_URL}', file: pooler.userlist, users: ['scram_1', 'scram_2'] } }), host)
    const holds = async (): Promise<string> => valueOf(await consumer.attest({ id: 'pool-1', name: 'pool-1', ready: true }, two, one, call())).holds
    const before = readFileSync(pooler.userlist, 'utf8')
    expect((await consumer.preflight(call())).is).toBe('done')
    expect(await holds()).toBe('old')

    await server.query(`CREATE ROLE scram_2 LOGIN PASSWORD '${two.fields['password']?.reveal()}'`)
    valueOf(await consumer.reload(call()))
    expect(readFileSync(pooler.userlist, 'utf8')).toBe(`${before}"scram_2" "${await verifierOf('scram_2')}"\n`)
    await until(async () => (await holds()) === 'new')
    expect(await told(pooler, one)).toBe('ok')

    await server.query('ALTER ROLE scram_1 NOLOGIN')
    valueOf(await consumer.reload(call()))
    await until(async () => (await told(pooler, one)) === 'SASL authentication failed')
    expect(readFileSync(pooler.userlist, 'utf8')).not.toContain('scram_1')
    expect(await told(pooler, of('app', OLD))).toBe('ok')
  })

  it('with auth_query takes a role of the server without a file, a reload or a restart (S0-08)', async () => {
    const admin = new URL(server.adminUrl).password
    const pooler = await started([`"postgres" "${admin}"`], { auth_user: 'postgres' })
    const [name, password] = ['late', generate(ALNUM, 32)]
    await server.query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`)
    const attest = async () => valueOf(await consumerOf(pooler).attest({ id: 'pool-1', name: 'pool-1', ready: true }, of(name, password), undefined, call())).holds
    expect(await attest()).toBe('new')
    await server.query(`ALTER ROLE ${name} NOLOGIN`)
    expect(await attest()).not.toBe('new')
    expect(readFileSync(pooler.userlist, 'utf8')).not.toContain(name)
  })
})
