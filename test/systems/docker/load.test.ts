import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, randomPassword } from '../../../demo/database.ts'
import { startLoad } from '../../../demo/load.ts'
import { type Server, startServer } from '../../../demo/server.ts'
import { until } from '../../../demo/until.ts'
import { startKeyturn } from '../../worlds/keyturn.ts'
import { proves } from '../claims.ts'
import { type Daemon, IMAGE, startDaemon } from './daemon.ts'
import { startRoundRobin } from './round-robin.ts'
import { freePort } from '../../../src/testing/port.ts'

let server: Server
let daemon: Daemon
beforeAll(async () => {
  server = await startServer()
  daemon = await startDaemon({ plugin: true })
})
afterAll(async () => {
  await daemon?.stop()
  await server?.stop()
})

proves(() => ({ connector: 'docker', as: 'load', on: daemon.version }))

const checkout = resolve(import.meta.dirname, '../../..')

it('no query of a compose service with two containers fails while its role is rotated and both are recreated (S2-23, C-06)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-live-'))
  const stops: (() => Promise<unknown>)[] = []
  try {
    const password = randomPassword()
    const database = await createDatabase(server.adminUrl, 'live', password)
    const ports = [await freePort(), await freePort()]
    writeFileSync(join(folder, 'app.env'), `DATABASE_URL='${database.dsn('live', password)}'\nLOG_LEVEL=info\n`, { mode: 0o600 })
    writeFileSync(join(folder, 'compose.yml'), JSON.stringify({
      services: {
        web: {
          image: IMAGE, network_mode: 'host', env_file: ['app.env'],
          command: ['/node', fileURLToPath(new URL('instance.ts', import.meta.url)), ...ports.map(String)],
          volumes: [`${process.execPath}:/node:ro`, `${checkout}:${checkout}:ro`],
          healthcheck: { test: ['CMD', 'test', '-e', '/tmp/well'], interval: '250ms', timeout: '5s', retries: 3 },
        },
      },
    }))
    const project = `live${ports[0] ?? 0}`
    const up = await daemon.run('docker', ['compose', '-p', project, 'up', '-d', '--scale', 'web=2'], folder)
    expect(up.code, up.err).toBe(0)
    const names = async (): Promise<string[]> => (await daemon.docker('ps', '--quiet', '--filter', `label=com.docker.compose.project=${project}`)).split('\n')
    const before = await names()
    const front = await startRoundRobin(ports.map((port) => `http://127.0.0.1:${port}`))
    stops.push(() => front.stop())
    await until('both are ready', 30_000, () => (front.ready() === 2 ? true : undefined))
    writeFileSync(join(folder, 'keyturn.yaml'), JSON.stringify({
      version: 1, system: 'live', environment: 'staging',
      secrets: {
        live: {
          grace: '1s', quiet: '1s', undo: '1s',
          issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: 'live', database: 'live', strategy: 'alternate' },
          stores: [{ use: 'dotenv', file: 'app.env', bind: { DATABASE_URL: { url: { user: 'user', password: 'password' } } } }],
          consumers: [{ wave: [{ use: 'docker', socket: daemon.socket, compose: { project, service: 'web', scale: 2, env: { DOCKER_CONFIG: daemon.env['DOCKER_CONFIG'] } } }] }],
        },
      },
    }))
    const load = startLoad([`${front.url}/work`], 60)
    stops.push(() => load.stop())
    await until('the load works', 10_000, () => (load.now().requests > 20 ? true : undefined))
    const running = startKeyturn(['rotate', 'live', '--wait', '--reason', 'test'], { cwd: folder, env: { PG_ADMIN_URL: server.adminUrl, KEYTURN_IDENTITY: join(folder, 'identity'), KEYTURN_DEBUG: '1' } })
    stops.push(async () => running.send('SIGKILL'))
    const ran = await running.end
    const after = load.now().requests
    await until('the load goes on', 10_000, () => (load.now().requests > after + 20 ? true : undefined))
    const report = await load.stop()
    expect(ran, ran.said).toMatchObject({ code: 0 })
    expect(report).toMatchObject({ failed: 0, reasons: {} })
    expect(report.requests).toBeGreaterThan(300)
    expect(front.fewest()).toBe(1)
    expect((await names()).filter((name) => before.includes(name))).toEqual([])
    const env = parseEnv(readFileSync(join(folder, 'app.env'), 'utf8'))
    expect(env['LOG_LEVEL']).toBe('info')
    expect(new URL(env['DATABASE_URL'] ?? '').username).toBe('live_alt')
  } finally {
    for (const stop of stops.toReversed()) await stop()
    rmSync(folder, { recursive: true, force: true })
  }
})
