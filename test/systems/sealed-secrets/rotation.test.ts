import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { createDatabase, randomPassword } from '../../../demo/database.ts'
import { type Server, startServer } from '../../../demo/server.ts'
import { startLoad } from '../../../demo/load.ts'
import { until } from '../../../demo/until.ts'
import { startKeyturn } from '../../worlds/keyturn.ts'
import { kubernetesPrograms } from '../kubernetes/rig/parts.ts'
import { startInstance } from '../rig/under-load.ts'
import { startWorld, type World } from './rig/world.ts'

let world: World
let server: Server
beforeAll(async () => {
  [world, server] = [await startWorld(), await startServer()]
})
afterAll(async () => {
  await server.stop()
  await world.close()
})

/** What a Deployment does when it is restarted: it takes what the live Secret holds at that moment. */
const RESTART = 'set -e; "$1" get secret "$2" --namespace atlas -o "jsonpath={.data.DATABASE_URL}" | base64 -d >"$3.value"\n'
  + 'printf "DATABASE_URL=\'%s\'\\n" "$(cat "$3.value")" >"$3.new"; mv "$3.new" "$3"; [ ! -e "$4" ] || kill -HUP "$(cat "$4")"'

it('a role of PostgreSQL is rotated through git and Flux: the live Secret has the new value before the consumer is restarted, and no query fails (S4-16, S4-17, S4-18, T-16)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-flux-'))
  const [run, envFile, kubectl] = [join(folder, 'run'), join(folder, '.env'), join(await kubernetesPrograms.bring(), 'kubectl')]
  mkdirSync(run, { mode: 0o700 })
  const stops: (() => Promise<unknown>)[] = []
  try {
    const password = randomPassword()
    const database = await createDatabase(server.adminUrl, 'live', password)
    const before = database.dsn('live', password)
    const shelf = await world.shelf({ DATABASE_URL: before })
    writeFileSync(envFile, `DATABASE_URL='${before}'\n`, { mode: 0o600 })
    const { url, stop } = await startInstance('live-1', new URL('../postgres/client.ts', import.meta.url), envFile, run)
    stops.push(stop)
    const sealedBefore = world.clusters.text(shelf.file)
    const head = world.clusters.git('rev-parse', 'main')
    writeFileSync(join(folder, 'keyturn.yaml'), stringify({
      version: 1, system: 'live', environment: 'staging',
      secrets: {
        live: {
          grace: '1s', quiet: '1s', undo: '1s',
          issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: 'live', database: 'live', strategy: 'alternate' },
          stores: [{ use: 'sealed-secrets', ...shelf.block, bind: { DATABASE_URL: { url: { user: 'user', password: 'password' } } } }],
          consumers: [{
            wave: [{
              use: 'command', run: ['sh', '-c', RESTART, 'restart', kubectl, shelf.name, envFile, join(run, 'live-1.pid')], services: ['live-1'],
              env: { KUBECONFIG: world.plane.kubeconfig }, ready: { 'live-1': `${url}/readyz` },
              attest: { use: 'http', challenges: { 'live-1': `${url}/attest` } },
            }],
          }],
          checks: [{ use: 'http', url: `${url}/readyz` }],
        },
      },
    }))
    const load = startLoad([`${url}/work`], 50)
    stops.push(() => load.stop())
    await until('the load works', 10_000, () => (load.now().requests > 20 ? true : undefined))
    const running = startKeyturn(['rotate', 'live', '--wait', '--reason', 'test'], {
      cwd: folder, env: { PG_ADMIN_URL: server.adminUrl, KEYTURN_IDENTITY: join(folder, 'identity'), KEYTURN_DEBUG: '1' },
    })
    stops.push(async () => running.send('SIGKILL'))
    const ran = await running.end
    const report = await load.stop()
    expect(ran, ran.said).toMatchObject({ code: 0 })
    expect(report).toMatchObject({ failed: 0, reasons: {} })

    const after = await world.live(shelf.name, 'DATABASE_URL')
    expect(new URL(after).username).toBe('live_alt')
    expect(readFileSync(`${envFile}.value`, 'utf8') === after).toBe(true)
    expect(ran.said.includes(new URL(after).password)).toBe(false)
    // One commit, of one file, of one line in it.
    expect(world.clusters.git('rev-parse', 'main^')).toBe(head)
    expect(world.clusters.git('diff-tree', '-r', '--name-status', head, 'main')).toBe(`M\t${shelf.file}`)
    const lines = (text: string): readonly string[] => text.split('\n').filter((line) => !line.includes('DATABASE_URL:'))
    expect(lines(world.clusters.text(shelf.file))).toEqual(lines(sealedBefore))
    expect(await world.live(shelf.name, 'sibling')).toBe("somebody else's")
  } finally {
    for (const stop of stops.toReversed()) await stop()
    rmSync(folder, { recursive: true, force: true })
  }
})
