import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, login, randomPassword } from '../../../demo/database.ts'
import { startLoad } from '../../../demo/load.ts'
import { until } from '../../../demo/until.ts'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'
import { startKeyturn } from '../../worlds/keyturn.ts'
import { proves } from '../claims.ts'
import { type Cluster, startCluster } from './rig/cluster.ts'
import { startFront } from './rig/front.ts'
import { IMAGE } from './rig/image.ts'

let cluster: Cluster
let server: PostgresServer
beforeAll(async () => {
  cluster = await startCluster()
  const network = cluster.address.replace(/\d+$/, '0/24')
  server = await startPostgres({ config: { listen_addresses: `127.0.0.1,${cluster.address}` }, hba: [`host all all ${network} scram-sha-256`] })
})
afterAll(async () => {
  await server?.stop()
  await cluster?.close()
})

proves(() => ({ connector: 'kubernetes', as: 'load', on: cluster.says }))

const checkout = resolve(import.meta.dirname, '../../..')
const PORT = 8080

/** A Service of two pods that log in with the variable DATABASE_URL, which they have from the Secret `live`. */
function objects(databaseUrl: string): readonly object[] {
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'live', labels: { owner: 'tests' } }, stringData: { DATABASE_URL: databaseUrl, LOG_LEVEL: 'info' } },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'live' }, spec: { selector: { app: 'live' }, ports: [{ port: 80, targetPort: PORT }] } },
    {
      apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'live' },
      spec: {
        replicas: 2, selector: { matchLabels: { app: 'live' } }, strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: { labels: { app: 'live' } },
          spec: {
            automountServiceAccountToken: false, enableServiceLinks: false, dnsPolicy: 'Default', terminationGracePeriodSeconds: 10,
            volumes: [{ name: 'node', hostPath: { path: process.execPath } }, { name: 'checkout', hostPath: { path: checkout } }],
            containers: [{
              name: 'live', image: IMAGE, imagePullPolicy: 'Never', command: ['/node', fileURLToPath(new URL('rig/instance.ts', import.meta.url)), String(PORT)],
              env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
              envFrom: [{ secretRef: { name: 'live' } }],
              volumeMounts: [{ name: 'node', mountPath: '/node', readOnly: true }, { name: 'checkout', mountPath: checkout, readOnly: true }],
              readinessProbe: { httpGet: { path: '/readyz', port: PORT }, periodSeconds: 1 },
            }],
          },
        },
      },
    },
  ]
}

it('no query of a Deployment of two pods fails while its role is rotated, its Secret written and both are replaced (S3-03, T-15)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-live-'))
  const stops: (() => Promise<unknown>)[] = []
  try {
    const password = randomPassword()
    const database = await createDatabase(server.adminUrl, 'live', password)
    const inPods = new URL(database.dsn('live', password))
    inPods.hostname = cluster.address
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects(inPods.href) }))
    const front = await startFront(cluster, 'live')
    stops.push(() => front.stop())
    await until('both are ready', 60_000, () => (front.ready() === 2 ? true : undefined))
    const access = { kubeconfig: cluster.kubeconfig, namespace: 'default', secret: 'live' }
    writeFileSync(join(folder, 'keyturn.yaml'), JSON.stringify({
      version: 1, system: 'live', environment: 'staging',
      secrets: {
        live: {
          grace: '1s', quiet: '1s', undo: '1s',
          issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: 'live', database: 'live', strategy: 'alternate' },
          stores: [{ use: 'kubernetes', ...access, bind: { DATABASE_URL: { url: { user: 'user', password: 'password' } } } }],
          consumers: [{ wave: [{ use: 'kubernetes', ...access, name: 'live' }] }],
        },
      },
    }))
    // The pods that start take their time from the same processors: an operation has longer than elsewhere.
    const load = startLoad([`${front.url}/work`], 40, 5_000)
    stops.push(() => load.stop())
    await until('the load works', 10_000, () => (load.now().requests > 20 ? true : undefined))
    const running = startKeyturn(['rotate', 'live', '--wait', '--reason', 'test'], { cwd: folder, env: { PG_ADMIN_URL: server.adminUrl, KEYTURN_IDENTITY: join(folder, 'identity'), KEYTURN_DEBUG: '1' } })
    stops.push(async () => running.send('SIGKILL'))
    const ran = await running.end
    const after = load.now().requests
    await until('the load goes on', 10_000, () => (load.now().requests > after + 20 ? true : undefined))
    const report = await load.stop()
    expect(ran, ran.said).toMatchObject({ code: 0 })
    expect(report, JSON.stringify(report)).toMatchObject({ failed: 0, reasons: {} })
    expect(report.requests).toBeGreaterThan(300)
    expect(front.seen.size).toBe(4)
    expect(await login(database.dsn('live', password))).toMatch(/^28/)
    const secret = await cluster.api<{ readonly data: Readonly<Record<string, string>>; readonly metadata: { readonly labels: object } }>('GET', '/api/v1/namespaces/default/secrets/live')
    const read = (key: string): string => Buffer.from(secret?.data[key] ?? '', 'base64').toString()
    expect([secret?.metadata.labels, read('LOG_LEVEL')]).toEqual([{ owner: 'tests' }, 'info'])
    const url = new URL(read('DATABASE_URL'))
    expect([url.username, url.host]).toEqual(['live_alt', inPods.host])
    expect(await login(database.dsn(url.username, url.password))).toBe('accepted')
  } finally {
    for (const stop of stops.toReversed()) await stop()
    rmSync(folder, { recursive: true, force: true })
  }
})
