import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { parse, stringify } from 'yaml'
import { createDatabase, type Database, randomPassword } from '../../../demo/database.ts'
import { until } from '../../../demo/until.ts'
import { freePort } from '../../../src/testing/port.ts'
import { type Ran, type Running, startKeyturn } from '../../worlds/keyturn.ts'
import { placeOf } from '../rolling.ts'

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', 'examples', 'the0')
const SERVICES = ['the0-api', 'the0-scheduler'] as const

/** A service around the platform, and what the example's issuer of it is told in place of what it says. */
export interface Around {
  readonly issuer: Readonly<Record<string, unknown>>
  /** What the env file has for it. */
  readonly env: Readonly<Record<string, string>>
  /** What references resolve from. */
  readonly admin: Readonly<Record<string, string>>
}

/** What stands around the platform; secrets of the example whose service is not there are left out. */
export interface Surroundings {
  /** A superuser's URL of a PostgreSQL. */
  readonly postgresUrl: string
  /** A role and a database of this name are made there, and taken away in the end. */
  readonly role: string
  readonly others: Readonly<Partial<Record<'object-storage' | 'nats' | 'redis', Around>>>
}

/** The platform of the example, its containers as processes. */
export interface Platform {
  readonly folder: string
  readonly bin: string
  readonly postgresUrl: string
  readonly database: Database
  url(service: (typeof SERVICES)[number]): string
  env(): Readonly<Record<string, string | undefined>>
  keyturn(...args: readonly string[]): Promise<Ran>
  /** Runs it until it is killed at this point of a step, as KEYTURN_REHEARSE has it. */
  killed(at: string, ...args: readonly string[]): Promise<Ran>
  close(): Promise<void>
}

/** Which entry of the env file an instance is asked to prove, by secret. */
const PROVEN: Readonly<Record<string, string>> = {
  'root-admin': 'THE0_ADMIN_PASSWORD', database: 'DATABASE_URL', 'object-storage': 'S3_SECRET_ACCESS_KEY', nats: 'NATS_PASSWORD', redis: 'REDIS_URL', 'jwt-secret': 'JWT_SECRET',
}

/** Sets all of it up, and starts the services. */
export async function openPlatform({ postgresUrl, role, others }: Surroundings): Promise<Platform> {
  const root = mkdtempSync(join(tmpdir(), 'keyturn-the0-'))
  const [folder, bin] = [join(root, 'compose'), join(root, 'bin')]
  for (const each of [folder, bin, join(folder, 'run')]) mkdirSync(each, { mode: 0o700 })
  const undo: (() => unknown)[] = [() => rmSync(root, { recursive: true, force: true })]
  try {
    const password = randomPassword()
    const database = await createDatabase(postgresUrl, role, password)
    undo.push(() => database.drop())
    const around = Object.values(others)
    const values = {
      THE0_ADMIN_EMAIL: 'admin@the0.example', THE0_ADMIN_PASSWORD: randomPassword(), JWT_SECRET: randomBytes(48).toString('base64url'), DATABASE_URL: database.dsn(role, password),
      ...Object.assign({}, ...around.map(({ env }) => env)) as Record<string, string>,
    }
    const envFile = join(folder, '.env')
    writeFileSync(envFile, `# the0\nTZ=UTC\n${Object.entries(values).map(([key, value]) => `${key}=${value}\n`).join('')}# the end\n`, { mode: 0o600 })
    for (const script of ['try-login', 'stored-login']) copyFileSync(join(EXAMPLE, script), join(folder, script))
    const program = join(bin, 'the0')
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${fileURLToPath(new URL('cli.ts', import.meta.url))}' '${folder}' "$@"\n`, { mode: 0o700 })

    const ports = await Promise.all(SERVICES.map(() => freePort()))
    const url = (service: (typeof SERVICES)[number]): string => `http://127.0.0.1:${ports[SERVICES.indexOf(service)] ?? 0}`
    const edge = spawn(process.execPath, [fileURLToPath(new URL('../edge.ts', import.meta.url)), folder, ...SERVICES.map((service, at) => `${service}=${ports[at] ?? 0}`)], { stdio: 'ignore' })
    const edgeEnded = once(edge, 'exit')
    undo.push(async () => {
      edge.kill('SIGKILL')
      await edgeEnded
      for (const service of SERVICES) {
        const place = placeOf(folder, service)
        if (place !== undefined) process.kill(place.pid, 'SIGKILL')
      }
    })
    const [code] = await once(spawn(program, ['up', ...SERVICES], { stdio: ['ignore', 'ignore', 'inherit'] }), 'exit')
    if (code !== 0) throw new Error('the services do not start')
    await until('the edge answers', 10_000, () => fetch(`${url('the0-api')}/health`).then(({ ok }) => (ok ? true : undefined), () => undefined))

    const text = readFileSync(join(EXAMPLE, 'keyturn.yaml'), 'utf8').replaceAll('~/.the0/compose', folder).replaceAll('http://127.0.0.1:3000', url('the0-api'))
    writeFileSync(join(folder, 'keyturn.yaml'), stringify(adapt(parse(text) as Example, { role, others, program, url })))
    const start = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Running => startKeyturn(args, {
      cwd: folder,
      env: {
        PATH: `${bin}:${process.env['PATH'] ?? ''}`, KEYTURN_IDENTITY: join(root, 'identity'), KEYTURN_DEBUG: '1', THE0_PG_ADMIN_URL: postgresUrl,
        ...Object.assign({}, ...around.map(({ admin }) => admin)) as Record<string, string>, ...more,
      },
    })
    return {
      folder, bin, postgresUrl, database, url,
      env: () => parseEnv(readFileSync(envFile, 'utf8')),
      keyturn: (...args) => start(args).end,
      killed: (at, ...args) => start(args, { KEYTURN_REHEARSE: `kill:${at}` }).end,
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

interface Example {
  defaults: Record<string, unknown>
  schedule: { windows?: unknown }
  secrets: Record<string, { issuer: Record<string, unknown>; consumers: readonly Readonly<Record<string, unknown>>[]; [key: string]: unknown }>
}

interface Here extends Pick<Surroundings, 'role' | 'others'> {
  readonly program: string
  url(service: (typeof SERVICES)[number]): string
}

/** Other addresses, shorter waits, and processes where the example has containers, which prove themselves by the challenge. */
function adapt(example: Example, { role, others, program, url }: Here): Example {
  example.defaults = { ...example.defaults, grace: '300ms', quiet: '500ms', undo: '200ms' }
  // Hours in which nobody may be waiting for a test.
  delete example.schedule.windows
  const kept = Object.entries(example.secrets).filter(([secret]) => !['object-storage', 'nats', 'redis'].includes(secret) || secret in others)
  for (const [secret, block] of kept) {
    Object.assign(block.issuer, secret === 'database' ? { role, database: role } : others[secret as 'nats']?.issuer)
    block.consumers = block.consumers.map(({ compose }) => {
      const { service } = compose as { readonly service: 'the0-api' }
      const entry = PROVEN[secret] ?? ''
      return { use: 'command', run: [program, 'up', service], services: [service], attest: { use: 'http', entry, challenges: { [service]: `${url(service)}/attest/${entry}` } } }
    })
  }
  example.secrets = Object.fromEntries(kept)
  return example
}
