import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { blocksOf, openPerson } from '../../fixture/follow.ts'
import { askRedis, startRedis } from '../../servers/redis.ts'
import { startKeyturn } from '../../worlds/keyturn.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

it.each(['alternate', 'overlap', 'in-place'] as const)('who has only the text rotates a user of Redis, on disk too, and the old password is dead in the end: %s (S1-70, S0-56, C-01)', async (strategy) => {
  const old = generate(ALNUM, 40)
  const redis = await startRedis({ keeping: 'aclfile', users: [`user app on >${old} ~app:* &* -@all +@read +@write +ping`] })
  undo.push(() => redis.close())
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-byhand-'))
  undo.push(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, '.env'), `REDIS_USER=app\nREDIS_PASSWORD=${old}\n`, { mode: 0o600 })
  writeFileSync(join(folder, 'keyturn.yaml'), `version: 1
system: cache
secrets:
  redis:
    issuer: { use: redis, admin: "\${env:REDIS_ADMIN_URL}", user: app, strategy: ${strategy} }
${strategy === 'in-place' ? '' : '    grace: 1s\n    quiet: 1s\n    undo: 1s\n'}    stores: [{ use: dotenv, file: .env, bind: { REDIS_USER: "{user}", REDIS_PASSWORD: "{password}" } }]
    consumers: [{ use: command, run: ["true"], services: [api] }]
`)
  const made = await startKeyturn(['runbook', 'redis'], { cwd: folder, env: {} }).end
  expect(made, made.said).toMatchObject({ code: 0 })
  const person = openPerson(mkdtempSync(join(tmpdir(), 'keyturn-person-')))
  undo.push(() => person.close())
  const admin = `redis://${redis.admin.user}:${redis.admin.password}@127.0.0.1:${redis.port}`
  for (const heading of [/^## Before you begin/, /^## The way forward/]) for (const block of blocksOf(made.out, heading)) await person.type(block, block.run.includes('read -rsp') ? [admin] : [])

  const { REDIS_USER: user = '', REDIS_PASSWORD: password = '' } = parseEnv(readFileSync(join(folder, '.env'), 'utf8'))
  expect(user).toBe(strategy === 'alternate' ? 'app_alt' : 'app')
  const holds = async (): Promise<void> => {
    expect(await askRedis(redis.port, { user, password }, 'SET', 'app:x', '1')).toBe('OK')
    await expect(askRedis(redis.port, { user, password }, 'SET', 'other:x', '1')).rejects.toThrow(/NOPERM/)
    await expect(askRedis(redis.port, { user: 'app', password: old }, 'PING')).rejects.toThrow(/WRONGPASS/)
  }
  await holds()
  await redis.restart()
  await holds()
  for (const value of [old, password, redis.admin.password]) expect(made.out + person.commandLines()).not.toContain(value)
})
