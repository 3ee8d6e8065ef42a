import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { ALNUM, generate } from '../../src/kit/generate.ts'
import { until } from '../../demo/until.ts'
import { debianProgram } from '../systems/parts/debian.ts'
import { freePort } from '../../src/testing/port.ts'

/** The bus of a cluster listens on a port that is so much higher. */
const BUS = 10_000

export interface Login {
  readonly user: string
  readonly password: string
}

export interface RedisPlan {
  /** Where its users are kept: in an ACL file, in the configuration file, or nowhere. */
  readonly keeping: 'aclfile' | 'config' | 'nothing'
  /** Users beside the admin, as lines of ACL LIST. */
  readonly users?: readonly string[]
  /** More lines of its configuration. */
  readonly lines?: readonly string[]
}

/** A real redis-server in a folder of its own, on a free port of 127.0.0.1. */
export interface RealRedis {
  readonly port: number
  readonly folder: string
  readonly admin: Login
  /** `Redis 7.0.15`, as it says it. */
  readonly says: string
  /** Kills it, and starts it again with the same files. */
  restart(): Promise<void>
  /** As SIGSTOP and SIGCONT do it. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  close(): Promise<void>
}

/** A client, as services have one; for questions of a test. */
export async function connectRedis(port: number, { user, password }: Login, name = 'test') {
  const client = createClient({ username: user, password, name, RESP: 3, socket: { host: '127.0.0.1', port, reconnectStrategy: false } })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** Asks one command on a connection of its own. */
export async function askRedis(port: number, login: Login, ...command: readonly string[]): Promise<unknown> {
  const client = await connectRedis(port, login)
  try {
    return await client.sendCommand([...command])
  } finally {
    client.destroy()
  }
}

/** Starts one. Without a configuration file all of it stands in its arguments, as teams with containers do it. */
export async function startRedis({ keeping, users = [], lines = [] }: RedisPlan): Promise<RealRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-redis-'))
  const [port, admin] = [await freePort(BUS), { user: 'keeper', password: generate(ALNUM, 24) }]
  const all = [`user keeper on >${admin.password} ~* &* +@all`, ...users]
  const settings = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, 'save ""', 'repl-diskless-sync-delay 0', ...lines]
  const acl = join(folder, 'users.acl')
  if (keeping === 'aclfile') writeFileSync(acl, all.map((line) => `${line}\n`).join(''), { mode: 0o600 })
  const inConfig = [...settings, ...(keeping === 'aclfile' ? [`aclfile ${acl}`] : keeping === 'config' ? all : [])]
  const file = join(folder, 'redis.conf')
  if (keeping !== 'nothing') writeFileSync(file, inConfig.map((line) => `${line}\n`).join(''), { mode: 0o600 })
  const args = keeping === 'nothing' ? inConfig.flatMap(argued) : [file]

  let child = await run(args, port)
  if (keeping === 'nothing') await seed(port, all)
  const info = String(await askRedis(port, admin, 'INFO', 'server'))
  const stop = async (how: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill(how)
    await exited
  }
  return {
    port, folder, admin,
    says: `Redis ${/redis_version:([\w.]+)/.exec(info)?.[1] ?? ''}`,
    async restart() {
      await stop('SIGKILL')
      child = await run(args, port)
    },
    signal: (name) => { child.kill(name) },
    async close() {
      await stop('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function argued(line: string): readonly string[] {
  const [name = '', ...values] = line.split(' ')
  return [`--${name}`, ...values.map((value) => (value === '""' ? '' : value))]
}

/** As nobody has a password yet, the default user makes the others. */
async function seed(port: number, lines: readonly string[]): Promise<void> {
  const client = createClient({ socket: { host: '127.0.0.1', port } })
  client.on('error', () => undefined)
  await client.connect()
  for (const line of lines) await client.sendCommand(['ACL', 'SETUSER', ...line.split(' ').slice(1)])
  client.destroy()
}

async function run(args: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn(await debianProgram('redis-server').bring(), [...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { said += text })
  await until(`redis-server listens on ${port}`, 10_000, () => {
    if (child.exitCode !== null) throw new Error(`redis-server ended at once: ${said.split('\n').slice(-4).join(' ')}`)
    return /Ready to accept connections/.test(said) ? true : undefined
  })
  return child
}

