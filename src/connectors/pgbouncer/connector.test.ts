import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import type { Presented } from '../../kit/consumer.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { attestorSuite } from '../../testing/attestor.ts'
import { callWithin } from '../../testing/call.ts'
import { checkSuite } from '../../testing/check.ts'
import { consumerSuite, valueOf } from '../../testing/consumer.ts'
import { until } from '../../testing/until.ts'
import { type FakePooler, startFakePooler } from './fake.ts'
import { openAttestor, openCheck, openConsumer } from './index.ts'
import { loginThrough } from './login.ts'
import { attestorSchema, checkSchema, consumerSchema } from './manifest.ts'

const on = (as: 'consumer' | 'check' | 'attestor') => proving({ connector: 'pgbouncer', as, on: 'fake' })
const credential = (user: string): { id: string; fields: { user: Secret; password: Secret } } => ({ id: user, fields: { user: new Secret(user), password: new Secret(generate(ALNUM, 32)) } })
const presented = (user: string): Presented => ({ fields: credential(user).fields, entries: {} })

/** A fake with its auth file in a folder of its own. */
async function stage(): Promise<{ readonly pooler: FakePooler; readonly host: Host; readonly poolers: object[]; write(which: Presented): void; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-pgbouncer-'))
  const file = join(folder, 'userlist.txt')
  const admin = generate(ALNUM, 32)
  const write = ({ fields }: Presented): void => writeFileSync(file, `"pooladmin" "${admin}"\n"${fields['user']?.reveal()}" "${fields['password']?.reveal()}"\n`, { mode: 0o600 })
  write(presented('nobody'))
  const pooler = await startFakePooler(file)
  const url = `postgres://pooladmin:${admin}@127.0.0.1:${pooler.port}/any`
  return {
    pooler, write,
    host: { base: folder, now: () => Date.now(), resolve: async () => new Secret(url), conceal: () => undefined },
    poolers: [{ name: 'pool-1', console: '${env:POOLER_ADMIN_URL}' }],
    close: async () => {
      await pooler.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function staged(which: Presented) {
  const { pooler, host, poolers, write, close } = await stage()
  write(which)
  const consumer = openConsumer(consumerSchema.parse({ poolers, database: 'app' }), host)
  const place = { host: '127.0.0.1', port: pooler.port, database: 'app', tls: false } as const
  const accepts = async (one: Presented): Promise<boolean> => (await loginThrough(place, one.fields, callWithin(5_000)))?.verdict === 'accepted'
  valueOf(await consumer.reload(callWithin(5_000)))
  await until(() => accepts(which))
  return { pooler, host, poolers, write, close, consumer, accepts }
}

consumerSuite(on('consumer'), 'pgbouncer (S2-22)', async () => {
  const [next, old] = [presented('app'), presented('app')]
  const { pooler, host, poolers, write, close, consumer, accepts } = await staged(old)
  return {
    consumer, next, old, close,
    again: openConsumer(consumerSchema.parse({ poolers, database: 'app' }), host),
    publish: write,
    truth: async () => ((await accepts(next)) ? 'new' : (await accepts(old)) ? 'old' : 'neither'),
    break: async (fault) => {
      if (fault === 'gone') await pooler.close()
      else pooler.fault = fault
    },
  }
})

checkSuite(on('check'), 'pgbouncer (S2-24, S0-13)', async () => {
  const [good, bad] = [credential('app'), credential('app')]
  const { pooler, host, poolers, close } = await staged({ fields: good.fields, entries: {} })
  // As a second one, it knows nobody by this credential.
  const other = await stage()
  const both = { ...host, resolve: (text: string) => (text.includes('OTHER') ? other.host : host).resolve(text) }
  return {
    check: openCheck(checkSchema.parse({ poolers, database: 'app' }), host),
    wrong: openCheck(checkSchema.parse({ poolers: [...poolers, { name: 'pool-2', console: '${env:OTHER}' }], database: 'app' }), both),
    good, bad, shown: [],
    break: async (fault) => {
      if (fault === 'gone') await pooler.close()
      else pooler.fault = fault
    },
    close: async () => {
      await other.close()
      await close()
    },
  }
})

attestorSuite(on('attestor'), 'pgbouncer (S2-26)', async () => {
  const { pooler, host, poolers, close } = await stage()
  const [next, old] = [presented('app_alt'), presented('app')]
  return {
    attestor: openAttestor(attestorSchema.parse({ poolers, application: 'svc-{name}' }), host),
    instance: { id: 'one', name: 'one', ready: true },
    next, old, close,
    hold: (which) => {
      const user = { new: 'app_alt', old: 'app', neither: 'somebody' }[which]
      pooler.clients = [{ user, application: 'svc-one' }, { user: 'app', application: 'svc-two' }]
    },
    break: async (fault) => {
      if (fault === 'gone') await pooler.close()
      else pooler.fault = fault
    },
  }
})

describe('pgbouncer', () => {
  let world: Awaited<ReturnType<typeof staged>>
  const old = presented('app')
  beforeEach(async () => { world = await staged(old) })
  afterEach(() => world.close())
  const call = () => callWithin(5_000)

  it('an instance with one client left on the old role holds the old one, whatever else it has (S2-26)', async () => {
    const attestor = openAttestor(attestorSchema.parse({ poolers: world.poolers }), world.host)
    const ask = async (): Promise<string> => valueOf(await attestor.attest({ id: '1', name: 'one', ready: true }, presented('app_alt'), old, call())).holds
    world.pooler.clients = [{ user: 'app_alt', application: 'one' }, { user: 'app', application: 'one' }]
    expect(await ask()).toBe('old')
    world.pooler.clients = [{ user: 'app_alt', application: 'one' }]
    expect(await ask()).toBe('new')
    world.pooler.clients = []
    expect(await ask()).toBe('unseen')
  })

  it('refuses a console user without rights and a pooler that trusts everybody, before anything is changed', async () => {
    world.pooler.settings = { admin_users: 'somebody' }
    expect(await world.consumer.preflight(call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING' })
    world.pooler.settings = { auth_type: 'trust' }
    expect(await world.consumer.preflight(call())).toMatchObject({ is: 'refused', code: 'PROBE_MEANINGLESS' })
  })

  it('says when RELOAD may reach another process, and how long server connections of the old role stay', async () => {
    world.pooler.settings = { so_reuseport: '1', server_idle_timeout: '30' }
    const { notices } = valueOf(await world.consumer.preflight(call()))
    expect(notices.join('\n')).toMatch(/so_reuseport[^]*30 s/)
  })

  it('reloads none that a person answers for and that is not there, and says unknown when some were reloaded (C-07)', async () => {
    const gone = await stage()
    await gone.pooler.close()
    const host: Host = { ...world.host, resolve: (text) => (text.includes('GONE') ? gone.host : world.host).resolve(text) }
    const two = openConsumer(consumerSchema.parse({ poolers: [...world.poolers, { name: 'pool-2', console: '${env:GONE}' }], database: 'app' }), host)
    expect(await two.reload(call())).toMatchObject({ is: 'unknown', code: 'UNREACHABLE', evidence: { reloaded: 1 } })
    expect(await two.reload(call(), 'rolling', ['pool-2'])).toMatchObject({ is: 'done', value: { evidence: { reloaded: 1 } } })
    await gone.close()
  })
})
