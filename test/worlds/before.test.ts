import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { beforeAll, expect, it } from 'vitest'
import { randomPassword } from '../../demo/database.ts'
import { until } from '../../demo/until.ts'
import { scramVerifier } from '../../src/connectors/postgres/verifier.ts'
import { Secret } from '../../src/kit/index.ts'
import { openSession } from '../servers/role.ts'
import { expectRun, useTheatre } from './theatre.ts'
import type { RunChoice, World } from './world.ts'

// Worlds that are bad before anything is done: refused with 3, by a message that names what is wrong, and nothing is changed.

const theatre = useTheatre()
let world: World

beforeAll(async () => {
  world = await theatre.keep()
})

/** Both refuse: the plan, which looks at the same world, and the rotation. */
async function expectRefused(says: readonly RegExp[], choice: RunChoice = {}): Promise<void> {
  const before = await world.photo()
  for (const command of ['plan', 'rotate']) expectRun(await world.keyturn([command, 'database'], choice), 3, ...says)
  expect(await world.photo()).toEqual(before)
}

it('the admin cannot log in', async () => {
  const wrong = new URL(world.server.adminUrl)
  wrong.password = randomPassword()
  await expectRefused([/ADMIN_REJECTED the admin credential is rejected/, /Mend the reference under `issuer\.admin`/], { env: { PG_ADMIN_URL: wrong.href } })
  await expectRefused([/REFERENCE_UNRESOLVED .*\$\{env:PG_ADMIN_URL\}: the environment variable is not set/], { env: { PG_ADMIN_URL: undefined } })
})

it('the server cannot be reached', async () => {
  const nowhere = new URL(world.server.adminUrl)
  nowhere.port = '1'
  await expectRefused([/UNREACHABLE the address cannot be reached: 127\.0\.0\.1:1\n/], { env: { PG_ADMIN_URL: nowhere.href } })
})

it('the admin lacks rights: each is named as one would grant it', async () => {
  const admin = await world.makeAdmin('')
  const lacks = new RegExp(`RIGHTS_MISSING .*${world.role}_admin lacks CREATEROLE, ADMIN OPTION on ${world.role}, membership in pg_read_all_stats, membership in pg_signal_backend`)
  await expectRefused([lacks, /Grant the right that is named/], { env: { PG_ADMIN_URL: admin } })
})

it('the role is missing', async () => {
  await world.stage.database.admin(`alter role ${world.role} rename to ${world.role}_renamed`)
  await expectRefused([new RegExp(`PRINCIPAL_MISSING the principal does not exist: ${world.role}\\b`)])
  await world.stage.database.admin(`alter role ${world.role}_renamed rename to ${world.role}`)
})

it('the store holds a value that the server rejects', async () => {
  const text = readFileSync(world.stage.envFile, 'utf8')
  const wrong = new URL(await world.stage.dsn())
  wrong.password = randomPassword()
  writeFileSync(world.stage.envFile, text.replace(await world.stage.dsn(), wrong.href))
  await expectRefused([/CREDENTIAL_REJECTED the acceptor rejects the credential: primary/])
  writeFileSync(world.stage.envFile, text)
})

it('the companion exists and is in use, or may be', async () => {
  const companion = `${world.role}_alt`
  const password = randomPassword()
  await world.stage.database.admin(`create role ${companion} login password '${scramVerifier(new Secret(password))}'`)
  const session = await openSession(world.stage.database.dsn(companion, password), 'nightly')
  await expectRefused([new RegExp(`PRINCIPAL_IN_USE the idle principal is in use: ${companion}: in use by nightly@127\\.0\\.0\\.1 \\(1\\)`)])
  await session.close()
  const sessions = `select 1 from pg_stat_activity where usename = '${companion}'`
  await until('the session is over', 10_000, async () => ((await world.stage.database.admin(sessions)).length === 0 ? true : undefined))
  await expectRefused([new RegExp(`PRINCIPAL_IN_USE .*${companion}: it may log in, so somebody may have its password`)])
  await world.stage.database.admin(`drop role ${companion}`)
})

it('a `trust` line lets every password in, so a probe proves nothing', async () => {
  const [row] = await world.stage.database.admin('show hba_file')
  const hba = String(row?.['hba_file'])
  const lines = readFileSync(hba, 'utf8')
  const wrong = world.stage.database.dsn(world.role, randomPassword())
  const reload = async (text: string, answer: string): Promise<void> => {
    writeFileSync(hba, text)
    await world.stage.database.admin('select pg_reload_conf()')
    await until('the server has read pg_hba.conf', 10_000, async () => ((await world.login(wrong)) === answer ? true : undefined))
  }
  await reload(`host all ${world.role} 127.0.0.1/32 trust\n${lines}`, 'accepted')
  await expectRefused([/PROBE_MEANINGLESS the acceptor lets a wrong credential in: primary/, /pg_hba\.conf: `trust`/])
  await reload(lines, '28P01')
})

it('a check is red before: of the secret, of the system, and one that cannot fail', async () => {
  const manifest = readFileSync(world.stage.manifest, 'utf8')
  const document = parse(manifest) as { secrets: { database: { checks: object[] } } }
  const { checks } = document.secrets.database
  const red = { use: 'command', run: ['false'], within: '300ms' }
  for (const [change, says] of [
    [{ secrets: { database: { ...document.secrets.database, checks: [...checks, red] } } }, /a check is red before anything was changed: command false/],
    [{ preflight: [red] }, /a check is red before anything was changed: command false/],
    [
      { secrets: { database: { ...document.secrets.database, checks: [{ use: 'command', run: ['true'], credential: 'stdin', as: 'new' }] } } },
      /a check passes with a wrong credential, so it proves nothing: command true/,
    ],
  ] as const) {
    writeFileSync(world.stage.manifest, stringify({ ...document, ...change }))
    const before = await world.photo()
    expectRun(await world.keyturn(['rotate', 'database']), 3, /✘ preflight: /, says, /Refused, nothing was changed: database-/)
    expect(await world.photo()).toEqual(before)
  }
  writeFileSync(world.stage.manifest, manifest)
  expectRun(await world.keyturn(['history', '--json']), 0, /"result": "refused"/)
})

it('a consumer that is not there, or not ready', async () => {
  const manifest = readFileSync(world.stage.manifest, 'utf8')
  world.rewrite((secret) => {
    secret.consumers = [{ wave: [{ use: 'process', instances: [{ name: 'api', pidFile: join(world.run, 'none.pid') }], reload: { signal: 'SIGHUP' } }] }]
  })
  await expectRefused([/CONSUMER_MISSING no instance of the consumer was found: api/])
  world.rewrite((secret) => {
    secret.consumers = [{ wave: [{ use: 'command', run: ['true'], services: ['api'], ready: { api: 'http://127.0.0.1:1/readyz' } }] }]
  })
  const before = await world.photo()
  expectRun(await world.keyturn(['rotate', 'database']), 3, /a consumer did not become ready in time: command api: api/)
  expect(await world.photo()).toEqual(before)
  writeFileSync(world.stage.manifest, manifest)
})

it('and once it is a good one, nothing of all that stands in the way', async () => {
  expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0, /Done/)
  expectRun(await world.keyturn(['audit', 'verify']), 0)
})
