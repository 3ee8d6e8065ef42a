import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, login, randomPassword } from '../../../demo/database.ts'
import { type Server, startServer } from '../../../demo/server.ts'
import { versionAt } from '../../servers/postgres.ts'
import { proves } from '../claims.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'
import { type Pooler, startPooler } from './pooler.ts'

const password = randomPassword()
let server: Server
let pooler: Pooler
beforeAll(async () => {
  server = await startServer()
  // An idle connection of the old role is use to PostgreSQL until the pooler closes it; and who comes with a login that only the
  // server refuses is not refused by the pooler, it waits.
  pooler = await startPooler({ server: Number(new URL(server.adminUrl).port), users: [`"live" "${password}"`, '"other" "kept"'], settings: { server_idle_timeout: '1', query_wait_timeout: '2' } })
})
afterAll(async () => {
  await pooler.stop()
  await server.stop()
})

proves(async () => ({ connector: 'pgbouncer', as: 'load', on: `${await pooler.version()} and ${await versionAt(server.adminUrl)}` }))

it('no query fails through a pooler while the role behind it is rotated; the old login is dead, direct and through it (S0-01, S0-08, S0-13, S2-28, S2-29)', async () => {
  const database = await createDatabase(server.adminUrl, 'live', password)
  const poolers = [{ name: 'pool-1', console: '${env:POOLER_ADMIN_URL}' }]
  const { ran, report, env } = await rotateUnderLoad({
    issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: 'live', database: 'live', strategy: 'alternate' },
    bind: { DATABASE_URL: { url: { user: 'user', password: 'password' } } },
    client: new URL('../postgres/client.ts', import.meta.url),
    env: { DATABASE_URL: pooler.url('live', password, 'live'), LOG_LEVEL: 'info' },
    admin: { PG_ADMIN_URL: server.adminUrl, POOLER_ADMIN_URL: pooler.adminUrl },
    front: {
      stores: [{ use: 'pgbouncer', file: pooler.userlist, users: ['live', 'live_alt'], bind: { user: '{user}', password: '{password}' } }],
      waves: [{ use: 'pgbouncer', poolers, database: 'live' }],
      checks: [{ use: 'pgbouncer', as: 'new', poolers, database: 'live' }],
    },
    // Until the pooler has closed its last connection of the old role, which PostgreSQL shows as use.
    secret: { grace: '4s' },
  })
  expect(ran, ran.said).toMatchObject({ code: 0 })
  expect(ran.said).toContain('pgbouncer pool-1')
  expect(report).toMatchObject({ failed: 0, reasons: {} })
  expect(report.requests).toBeGreaterThan(300)
  const now = new URL(env['DATABASE_URL'] ?? '')
  expect([now.username, now.port]).toEqual(['live_alt', String(pooler.port)])
  expect(readFileSync(pooler.userlist, 'utf8')).toContain('"other" "kept"')
  expect(await login(now.href)).toBe('accepted')
  expect(await login(database.dsn('live', password))).toBe('28P01')
  await expect(login(pooler.url('live', password, 'live'))).rejects.toMatchObject({ code: '08P01', message: 'query_wait_timeout' })
})
