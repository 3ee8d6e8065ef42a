import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, randomPassword } from '../../../demo/database.ts'
import { type Server, startServer } from '../../../demo/server.ts'
import { versionAt } from '../../servers/postgres.ts'
import { proves } from '../claims.ts'
import { tellGap } from '../rig/gap.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'

let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

describe('alternate', () => {
  proves(async () => ({ connector: 'postgres', as: 'load', strategy: 'alternate', on: await versionAt(server.adminUrl) }))

  it('no query of a service with two instances fails while its role is rotated (S0-01, S0-13)', async () => {
    const password = randomPassword()
    const database = await createDatabase(server.adminUrl, 'live', password)
    const { ran, report, env } = await rotateUnderLoad({
      issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: 'live', database: 'live', strategy: 'alternate' },
      bind: { DATABASE_URL: { url: { user: 'user', password: 'password' } } },
      client: new URL('client.ts', import.meta.url),
      env: { DATABASE_URL: database.dsn('live', password), LOG_LEVEL: 'info' },
      admin: { PG_ADMIN_URL: server.adminUrl },
    })
    expect(ran, ran.said).toMatchObject({ code: 0 })
    expect(report).toMatchObject({ failed: 0, reasons: {} })
    expect(report.requests).toBeGreaterThan(300)
    expect(env['LOG_LEVEL']).toBe('info')
    expect(new URL(env['DATABASE_URL'] ?? '').username).toBe('live_alt')
  })
})

it('in place: logins fail for a moment, which is measured and told', async ({ task }) => {
  const password = randomPassword()
  const database = await createDatabase(server.adminUrl, 'single', password)
  const { ran, report, env } = await rotateUnderLoad({
    issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: 'single', database: 'single', strategy: 'in-place' },
    bind: { DATABASE_URL: { url: { user: 'user', password: 'password' } } },
    client: new URL('churning.ts', import.meta.url),
    env: { DATABASE_URL: database.dsn('single', password) },
    admin: { PG_ADMIN_URL: server.adminUrl },
    // Each is a login of its own, which costs the server a key derivation.
    rate: 30,
  })
  expect(ran, ran.said).toMatchObject({ code: 0 })
  tellGap(task, `postgres, one role, ${await versionAt(server.adminUrl)}`, report)
  expect(Object.keys(report.reasons), JSON.stringify(report)).toEqual(['500 28P01'])
  expect(new URL(env['DATABASE_URL'] ?? '').password).not.toBe(password)
})
