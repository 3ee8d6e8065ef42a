import { createHmac, randomBytes } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { parse, stringify } from 'yaml'
import { createDatabase, type Database, randomPassword } from '../../../demo/database.ts'
import { until } from '../../../demo/until.ts'
import { type FakeLiteLlm, startFakeLiteLlm } from '../../../src/connectors/litellm/fake.ts'
import { type FakeOpenRouter, startFakeOpenRouter } from '../../../src/connectors/openrouter/fake.ts'
import { type FakeZitadel, startFakeZitadel } from '../../../src/connectors/zitadel/fake.ts'
import { freePort } from '../../../src/testing/port.ts'
import type { RealRedis } from '../../servers/redis.ts'
import { type Ran, startKeyturn } from '../../worlds/keyturn.ts'

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', 'examples', 'atlas', 'keyturn.yaml')

/** The ports of the example, each of one service. */
const PORTS = { gateway: 58_104, planner: 58_105, graphsync: 58_106, resolver: 58_107 } as const

export type ServiceName = keyof typeof PORTS

/** What stands around the platform. */
export interface Surroundings {
  /** A superuser's URL of a PostgreSQL. */
  readonly postgresUrl: string
  /** A role and a database of this name are made there, and taken away in the end. */
  readonly role: string
  /** A port of a pooler in front of it; the example's second endpoint is left out without one. */
  readonly pooler?: number
  /** With the user `atlas`; the example's secret `redis` is left out without one. */
  readonly redis?: { readonly server: RealRedis; readonly password: string }
}

/** The platform of the example, as processes on loopback. */
export interface Platform {
  readonly folder: string
  /** Where the example's `make` lies. */
  readonly bin: string
  readonly postgresUrl: string
  readonly keyFile: string
  readonly database: Database
  readonly litellm: FakeLiteLlm
  readonly openrouter: FakeOpenRouter
  readonly zitadel: FakeZitadel
  /** `http://127.0.0.1:PORT`, which stays whatever runs behind it. */
  url(service: ServiceName): string
  /** What the env file holds now. */
  env(): Readonly<Record<string, string | undefined>>
  /** A cookie of a browser that is signed in, by the session secret of now. */
  cookie(): string
  /** What the example's `make` does. */
  make(target: string): Promise<number>
  keyturn(...args: readonly string[]): Promise<Ran>
  /** Changes the env file as a person does. */
  edit(change: (text: string) => string): void
  close(): Promise<void>
}

/** Sets all of it up, and ships the services once. */
export async function openPlatform({ postgresUrl, role, pooler, redis }: Surroundings): Promise<Platform> {
  const root = mkdtempSync(join(tmpdir(), 'keyturn-atlas-'))
  const [folder, bin, keyFile] = [join(root, 'atlas'), join(root, 'bin'), join(root, 'djed', 'atlas-graphsync.key.json')]
  for (const each of [folder, bin, join(root, 'djed'), join(folder, 'run')]) mkdirSync(each, { mode: 0o700 })
  const undo: (() => unknown)[] = [() => rmSync(root, { recursive: true, force: true })]
  try {
    const [litellm, openrouter, zitadel] = [await startFakeLiteLlm(), await startFakeOpenRouter(), await startFakeZitadel()]
    undo.push(() => litellm.close(), () => openrouter.close(), () => zitadel.close())
    const password = randomPassword()
    const database = await createDatabase(postgresUrl, role, password)
    undo.push(() => database.drop())
    const web = zitadel.makeApplication('301')
    writeFileSync(keyFile, `${zitadel.makeKey('201')}\n`, { mode: 0o600 })
    const redisUrl = redis === undefined ? undefined : `redis://atlas:${redis.password}@127.0.0.1:${redis.server.port}/6`

    const envFile = join(folder, '.env')
    const values: Readonly<Record<string, string | undefined>> = {
      ATLAS_DB_DSN: database.dsn(role, password), ATLAS_REDIS_URL: redisUrl,
      DJED_AI_BASE_URL: litellm.url, DJED_AI_API_KEY: litellm.make('cell-atlas', { models: ['planner'] }),
      OPENROUTER_BASE_URL: `${openrouter.url}/api/v1`, OPENROUTER_API_KEY: openrouter.make('atlas planner', { limit: 100 }),
      ATLAS_BFF_SESSION_SECRET: randomBytes(32).toString('hex'), ATLAS_BFF_CLIENT_ID: web.client, ATLAS_BFF_CLIENT_SECRET: web.secret,
      ZITADEL_URL: zitadel.url, KEYSTONE_MACHINE_KEY_FILE: keyFile,
    }
    const lines = Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))
    writeFileSync(envFile, `# atlas: what every service reads when it starts\nLOG_LEVEL=info\n\n${lines.join('\n')}\nFEATURE_MAPS="on"   # do not touch\n`, { mode: 0o600 })
    const env = (): Readonly<Record<string, string | undefined>> => parseEnv(readFileSync(envFile, 'utf8'))

    const make = join(bin, 'make')
    const program = fileURLToPath(new URL('ship.ts', import.meta.url))
    writeFileSync(make, `#!/bin/sh\nexec '${process.execPath}' '${program}' '${folder}' "$1"\n`, { mode: 0o700 })
    const run = async (command: string, ...args: readonly string[]): Promise<number> => Number((await once(spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] }), 'exit'))[0] ?? 1)

    const ports = Object.fromEntries(await Promise.all(Object.keys(PORTS).map(async (name) => [name, await freePort()] as const))) as Record<ServiceName, number>
    const edge = spawn(process.execPath, [fileURLToPath(new URL('../edge.ts', import.meta.url)), folder, ...Object.entries(ports).map(([name, port]) => `${name}=${port}`)], { stdio: 'ignore' })
    const edgeEnded = once(edge, 'exit')
    // Services end with their folder; what they are logged in to is taken away after that.
    undo.push(async () => {
      edge.kill('SIGKILL')
      await edgeEnded
      const pids = Object.keys(PORTS).flatMap((name) => (existsSync(join(folder, 'run', `${name}.json`)) ? [(JSON.parse(readFileSync(join(folder, 'run', `${name}.json`), 'utf8')) as { pid: number }).pid] : []))
      for (const pid of pids) process.kill(pid, 'SIGKILL')
    })
    if ((await Promise.all(['ship-services', 'ship-planner'].map((target) => run(make, target)))).some((code) => code !== 0)) throw new Error('the services do not start')
    await until('the edge answers', 10_000, () => fetch(`http://127.0.0.1:${ports.gateway}/readyz`).then(({ ok }) => (ok ? true : undefined), () => undefined))

    const text = readFileSync(EXAMPLE, 'utf8')
      .replaceAll('/opt/atlas', folder).replaceAll('/opt/djed/config/zitadel-keys/atlas-graphsync.key.json', keyFile)
      .replaceAll('https://ai.djed.internal', litellm.url).replaceAll('https://auth.atlas.example', zitadel.url)
      .replaceAll(/127\.0\.0\.1:(58\d{3})/g, (_, port: string) => `127.0.0.1:${Object.entries(PORTS).map(([name, own]) => (own === Number(port) ? ports[name as ServiceName] : 0)).find(Boolean) ?? 0}`)
    writeFileSync(join(folder, 'keyturn.yaml'), stringify(adapt(parse(text) as Example, { database: new URL(postgresUrl), role, openrouter: openrouter.url, pooler, redis: redis?.server.port })))
    const cookie = (): string => {
      const user = 'ada'
      return `atlas_session=${user}.${createHmac('sha256', env()['ATLAS_BFF_SESSION_SECRET'] ?? '').update(user).digest('hex')}`
    }
    const admin = redis?.server.admin
    return {
      folder, bin, postgresUrl, keyFile, database, litellm, openrouter, zitadel, env, cookie,
      url: (service) => `http://127.0.0.1:${ports[service]}`,
      make: (target) => run(make, target),
      keyturn: (...args) => startKeyturn(args, {
        cwd: folder,
        env: {
          PATH: `${bin}:${process.env['PATH'] ?? ''}`, KEYTURN_IDENTITY: join(root, 'identity'), KEYTURN_DEBUG: '1', ATLAS_PG_ADMIN_URL: postgresUrl, ATLAS_BROWSER_COOKIE: cookie(),
          DJED_AI_MASTER_KEY: litellm.master, OPENROUTER_MANAGEMENT_KEY: openrouter.management, ZITADEL_TOKEN: zitadel.token,
          ATLAS_REDIS_ADMIN_URL: admin === undefined ? undefined : `redis://${admin.user}:${admin.password}@127.0.0.1:${redis?.server.port ?? 0}`,
        },
      }).end,
      edit: (change) => writeFileSync(envFile, change(readFileSync(envFile, 'utf8'))),
      close: () => undoAll(undo),
    }
  } catch (thrown) {
    await undoAll(undo)
    throw thrown
  }
}

async function undoAll(undo: (() => unknown)[]): Promise<void> {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step()
}

/** The parts of the example that are other in a test: addresses that no text has, and waits. */
interface Example {
  defaults: Record<string, unknown>
  secrets: Record<string, { issuer: Record<string, unknown>; quiet?: string; [key: string]: unknown }>
}

interface Here {
  readonly database: URL
  readonly role: string
  readonly openrouter: string
  readonly pooler: number | undefined
  readonly redis: number | undefined
}

function adapt(example: Example, { database, role, openrouter, pooler, redis }: Here): Example {
  example.defaults = { ...example.defaults, grace: '300ms', quiet: '500ms', undo: '200ms' }
  const { database: first, 'ai-key': ai, 'openrouter-key': legacy, redis: sessions } = example.secrets
  const places = [{ name: 'primary', host: '127.0.0.1', port: Number(database.port) }, ...(pooler === undefined ? [] : [{ name: 'pooler', host: '127.0.0.1', port: pooler }])]
  Object.assign(first?.issuer ?? {}, { role, database: role, endpoints: places })
  // So long after its last use a key counts as used.
  for (const one of [ai, legacy]) Object.assign(one?.issuer ?? {}, { recent: '400ms', lag: '1ms' })
  Object.assign(legacy?.issuer ?? {}, { url: `${openrouter}/api/v1` })
  if (redis === undefined) delete example.secrets['redis']
  else Object.assign(sessions?.issuer ?? {}, { nodes: [{ name: 'primary', host: '127.0.0.1', port: redis }] })
  return example
}
