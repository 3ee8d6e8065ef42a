import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { proves } from '../claims.ts'
import { tellGap } from '../rig/gap.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'
import { type MariaDb, startMariaDb } from './mariadb.ts'

let server: MariaDb
beforeAll(async () => { server = await startMariaDb() })
afterAll(() => server.stop())

describe('alternate', () => {
  proves(() => ({ connector: 'mysql', as: 'load', strategy: 'alternate', on: server.version }))

  it('no statement of a service with two instances fails while its user is rotated (S0-01, S0-13)', async () => {
    const password = randomBytes(16).toString('hex')
    await server.admin('CREATE DATABASE live')
    await server.admin('CREATE TABLE live.work (a INT)')
    await server.admin(`CREATE USER live@'%' IDENTIFIED BY '${password}'`)
    await server.admin(`GRANT SELECT, INSERT ON live.* TO live@'%'`)
    const { ran, report, env } = await rotateUnderLoad({
      issuer: { use: 'mysql', admin: '${env:MYSQL_ADMIN_URL}', user: 'live', database: 'live', strategy: 'alternate' },
      bind: { DATABASE_URL: { url: { user: 'user', password: 'password' } } },
      client: new URL('client.ts', import.meta.url),
      env: { DATABASE_URL: `mysql://live:${password}@127.0.0.1:${server.port}/live`, LOG_LEVEL: 'info' },
      admin: { MYSQL_ADMIN_URL: server.adminUrl },
      rate: 50,
    })
    expect(ran, ran.said).toMatchObject({ code: 0 })
    expect(report, JSON.stringify(report)).toMatchObject({ failed: 0, reasons: {} })
    expect(report.requests).toBeGreaterThan(150)
    expect(env['LOG_LEVEL']).toBe('info')
    expect(new URL(env['DATABASE_URL'] ?? '').username).toBe('live_alt')
    const users = await server.admin<{ user: string }>(`SELECT User AS user FROM mysql.user WHERE User LIKE 'live%'`)
    expect(users.map(({ user }) => user)).toEqual(['live_alt'])
  })
})

it('in place: logins fail for a moment, which is measured and told', async ({ task }) => {
  const password = randomBytes(16).toString('hex')
  await server.admin('CREATE DATABASE single')
  await server.admin(`CREATE USER single@'%' IDENTIFIED BY '${password}'`)
  await server.admin(`GRANT SELECT ON single.* TO single@'%'`)
  const { ran, report, env } = await rotateUnderLoad({
    issuer: { use: 'mysql', admin: '${env:MYSQL_ADMIN_URL}', user: 'single', database: 'single', strategy: 'in-place' },
    bind: { DATABASE_URL: { url: { user: 'user', password: 'password' } } },
    client: new URL('churning.ts', import.meta.url),
    env: { DATABASE_URL: `mysql://single:${password}@127.0.0.1:${server.port}/single` },
    admin: { MYSQL_ADMIN_URL: server.adminUrl },
    rate: 50,
  })
  expect(ran, ran.said).toMatchObject({ code: 0 })
  tellGap(task, `mysql, one user, ${server.version}`, report)
  expect(Object.keys(report.reasons), JSON.stringify(report)).toEqual(['500 ER_ACCESS_DENIED_ERROR'])
  expect(new URL(env['DATABASE_URL'] ?? '').password).not.toBe(password)
})
