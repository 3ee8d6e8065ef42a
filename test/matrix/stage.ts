import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { randomPassword } from '../../demo/database.ts'
import { queryAt } from '../servers/postgres.ts'
import { Secret } from '../../src/kit/index.ts'
import type { StatePlace } from '../../src/state/place.ts'
import type { MatrixState, MatrixStrategy } from './cell.ts'
import { type HeldConsumer, KEY, startConsumer } from './service.ts'

/** What all cells share. */
export interface Ground {
  /** Everything lies below it; one folder for each cell, by its name. */
  readonly folder: string
  readonly adminUrl: string
  /** The folder of the server's socket, which trusts: keyturn's admin comes that way, the roles come over TCP and are asked. */
  readonly socket: string
  /** Of the service that answers in the name of all consumers. */
  readonly serviceUrl: string
  /** The identity file of all cells. */
  readonly identity: string
}

/** What a manifest of the matrix depends on. */
export interface StageOptions {
  readonly name: string
  readonly strategy: MatrixStrategy
  readonly state: MatrixState
  /** Of an effect and of a reload, ms. */
  readonly deadline: number
  /** How long the undo window is open: `20ms`. */
  readonly undo: string
}

/** The name of the only secret. */
export const SECRET = 'database'

/** A role, an env file, a consumer and a manifest. */
export interface Stage {
  readonly name: string
  /** The manifest's folder: `keyturn.yaml`, `.env`, and what keyturn makes. */
  readonly folder: string
  readonly envFile: string
  /** What the env file holds around the DSN. */
  readonly envText: (dsn: string) => string
  /** The DSN at the beginning. */
  readonly dsn: string
  readonly consumer: HeldConsumer
  readonly env: Readonly<Record<string, string>>
  /** Where the state lies. */
  readonly place: StatePlace
  /** Everything that keyturn keeps of it on this machine. */
  readonly kept: string
  clear(): Promise<void>
}

/** Sets a stage with a name that nobody else has. */
export async function setStage(ground: Ground, options: StageOptions): Promise<Stage> {
  const { name } = options
  const [folder, run] = ['app', 'run'].map((each) => join(ground.folder, name, each)) as [string, string]
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await mkdir(run)
  const password = randomPassword()
  await queryAt(ground.adminUrl, `create role ${name} login password '${password}'`)
  const url = new URL(ground.adminUrl)
  url.username = name
  url.password = password
  const envFile = join(folder, '.env')
  const envText = (dsn: string): string => `# of ${name}\nLOG_LEVEL=info\n\n${KEY}=${dsn}\nFEATURE_MAPS="on"   # do not touch\n`
  await writeFile(envFile, envText(url.href), { mode: 0o600 })
  await writeFile(join(folder, 'keyturn.yaml'), manifestText(options, ground.serviceUrl, Number(url.port)))
  const consumer = await startConsumer(envFile, run)
  const home = join(ground.folder, name, 'home')
  const stateUrl = new URL(ground.adminUrl)
  stateUrl.searchParams.set('options', `-c search_path=${name}_state`)
  const database = options.state === 'database'
  return {
    name, folder, envFile, envText, dsn: url.href, consumer,
    place: database ? { url: new Secret(stateUrl.href), host: join(home, 'keyturn') } : join(folder, '.keyturn'),
    kept: database ? home : join(folder, '.keyturn'),
    env: {
      XDG_STATE_HOME: home,
      KEYTURN_STATE_URL: stateUrl.href,
      PG_ADMIN_URL: `${ground.adminUrl}?host=${encodeURIComponent(ground.socket)}`,
      KEYTURN_IDENTITY: ground.identity,
      KEYTURN_DEBUG: '1',
    },
    async clear() {
      await consumer.stop()
      await queryAt(ground.adminUrl, `drop schema if exists ${name}_state cascade; drop role if exists ${name}_alt; drop role if exists ${name}`)
    },
  }
}

/** Every kind of step there is, each as short as it can be. */
export function manifestText({ name, strategy, state, deadline, undo }: StageOptions, serviceUrl: string, port: number): string {
  return stringify({
    version: 1,
    system: 'matrix',
    environment: 'staging',
    ...(state === 'database' ? { state: '${env:KEYTURN_STATE_URL}' } : {}),
    secrets: {
      [SECRET]: {
        issuer: {
          use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: name, strategy,
          endpoints: [{ name: 'primary', host: '127.0.0.1', port }],
        },
        grace: '20ms', quiet: { for: '50ms', every: '25ms' }, undo,
        deadline: `${deadline}ms`, ready: `${deadline}ms`,
        stores: [{ use: 'dotenv', file: '.env', bind: { [KEY]: { url: { user: 'user', password: 'password' } } } }],
        consumers: [{
          use: 'process', name: 'service',
          instances: [{ name: 'service-1', pidFile: '../run/pid' }],
          reload: { signal: 'SIGHUP' },
          attest: { use: 'http', challenge: `${serviceUrl}/${name}/attest` },
        }],
        checks: [{ use: 'http', url: `${serviceUrl}/${name}/ready`, expect: { json: { postgres: 'accepted' } } }],
      },
    },
  })
}
