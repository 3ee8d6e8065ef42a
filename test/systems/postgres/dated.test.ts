import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, randomPassword } from '../../../demo/database.ts'
import { type Server, startServer } from '../../../demo/server.ts'
import { versionAt } from '../../servers/postgres.ts'
import { proves } from '../claims.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'

let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

proves(async () => ({ connector: 'postgres', as: 'load', strategy: 'overlap', on: await versionAt(server.adminUrl) }))

it('no query of a service with two instances fails while a dated role takes the place of another, which is dropped (S2-19, S2-25, S2-29)', async () => {
  const password = randomPassword()
  const database = await createDatabase(server.adminUrl, 'live', password)
  await database.admin(`create role live_20260101a login password '${password}' in role live`)
  await database.admin(`alter role live_20260101a set role = 'live'`)
  const { ran, report, env } = await rotateUnderLoad({
    issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: 'live', database: 'live', strategy: 'overlap' },
    bind: { DATABASE_URL: { url: { user: 'user', password: 'password' } } },
    client: new URL('client.ts', import.meta.url),
    env: { DATABASE_URL: database.dsn('live_20260101a', password) },
    admin: { PG_ADMIN_URL: server.adminUrl },
  })
  expect(ran, ran.said).toMatchObject({ code: 0 })
  expect(report).toMatchObject({ failed: 0, reasons: {} })
  expect(report.requests).toBeGreaterThan(300)
  const { username } = new URL(env['DATABASE_URL'] ?? '')
  expect(username).toMatch(/^live_\d{8}a$/)
  expect(await database.admin(`select rolname from pg_roles where rolname like 'live%' order by 1`)).toEqual([{ rolname: 'live' }, { rolname: username }])
})
