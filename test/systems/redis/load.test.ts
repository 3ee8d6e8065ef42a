import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loginOf, makeUser } from '../../servers/redis-issuer.ts'
import { askRedis, type RealRedis, startRedis } from '../../servers/redis.ts'
import { proves } from '../claims.ts'
import { tellGap } from '../rig/gap.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'

let server: RealRedis
beforeAll(async () => {
  server = await startRedis({ keeping: 'aclfile' })
})
afterAll(() => server.close())

function adminUrl(): string {
  return `redis://${server.admin.user}:${server.admin.password}@127.0.0.1:${server.port}`
}

/** Database 6 of the runbook's gateway (S0-54). */
function urlOf(user: string, password: string): string {
  return `redis://${user}:${password}@127.0.0.1:${server.port}/6`
}

describe('alternate', () => {
  proves(() => ({ connector: 'redis', as: 'load', strategy: 'alternate', on: server.says }))

  it('no operation of a service with two instances fails while its user is rotated, and its database stays the same (S0-52, S0-54)', async () => {
    const app = await makeUser([server.port], server.admin, 'live')
    await askRedis(server.port, server.admin, 'ACL', 'SETUSER', 'live', '+select', '+client|setname')
    const { ran, report, env } = await rotateUnderLoad({
      issuer: { use: 'redis', admin: '${env:REDIS_ADMIN_URL}', user: 'live', strategy: 'alternate' },
      bind: { REDIS_URL: { url: { user: 'user', password: 'password' } } },
      client: new URL('client.ts', import.meta.url),
      env: { REDIS_URL: urlOf('live', loginOf(app).password), LOG_LEVEL: 'info' },
      admin: { REDIS_ADMIN_URL: adminUrl() },
    })
    expect(ran, ran.said).toMatchObject({ code: 0 })
    expect(report).toMatchObject({ failed: 0, reasons: {} })
    expect(report.requests).toBeGreaterThan(300)
    const url = new URL(env['REDIS_URL'] ?? '')
    expect([url.username, url.pathname, url.port, env['LOG_LEVEL']]).toEqual(['live_alt', '/6', String(server.port), 'info'])
    expect(String(await askRedis(server.port, server.admin, 'ACL', 'LIST'))).toMatch(/user live off (?!#)/)
  })
})

it('requirepass in place: logins fail for a moment, which is measured and told (S0-51)', async ({ task }) => {
  const app = await makeUser([server.port], server.admin, 'default')
  await askRedis(server.port, server.admin, 'CONFIG', 'SET', 'requirepass', loginOf(app).password)
  const { ran, report, env } = await rotateUnderLoad({
    issuer: { use: 'redis', admin: '${env:REDIS_ADMIN_URL}', user: 'default', strategy: 'in-place' },
    bind: { REDIS_URL: { url: { user: 'user', password: 'password' } } },
    client: new URL('churning.ts', import.meta.url),
    env: { REDIS_URL: urlOf('default', loginOf(app).password) },
    admin: { REDIS_ADMIN_URL: adminUrl() },
    rate: 50,
  })
  expect(ran, ran.said).toMatchObject({ code: 0 })
  tellGap(task, `redis, requirepass, ${server.says}`, report)
  expect(Object.keys(report.reasons)).toEqual(['500 WRONGPASS'])
  expect(new URL(env['REDIS_URL'] ?? '').password).not.toBe(loginOf(app).password)
})
