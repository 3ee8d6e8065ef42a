import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../demo/until.ts'
import { debianProgram } from '../parts/debian.ts'
import { runProgram } from '../parts/program.ts'
import { freePort } from '../../../src/testing/port.ts'

/** The package brings it; what is started is the script below, since the one on the PATH changes the user by itself. */
export const rabbitmq = debianProgram('rabbitmq-server')
const SCRIPT = '/usr/lib/rabbitmq/bin/rabbitmq-server'
const epmd = debianProgram('epmd', 'erlang-base')

/** A broker with folders and a port mapper of its own. */
export interface Broker {
  readonly amqpPort: number
  readonly url: string
  readonly admin: { readonly user: string; readonly password: string }
  /** As messages name it: `RabbitMQ 3.10.8`. */
  readonly version: string
  /** One request of the admin to the management API. Throws for a status of an error. */
  ask(method: string, path: string, body?: object): Promise<unknown>
  /** Sends a signal to it, such as SIGSTOP. */
  signal(name: NodeJS.Signals): void
  /** Ends it and removes its data. May be repeated. */
  stop(): Promise<void>
}

/** Starts one on free ports of loopback. */
export async function startBroker(): Promise<Broker> {
  await rabbitmq.bring()
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-rabbitmq-'))
  const [amqpPort = 0, apiPort = 0, mapPort = 0, distPort = 0] = await freePorts(4)
  const admin = { user: 'root', password: 'admin-of-the-test' }
  writeFileSync(join(folder, 'rabbitmq.conf'), [
    `listeners.tcp.1 = 127.0.0.1:${amqpPort}`, 'management.tcp.ip = 127.0.0.1', `management.tcp.port = ${apiPort}`,
    `default_user = ${admin.user}`, `default_pass = ${admin.password}`, '',
  ].join('\n'))
  writeFileSync(join(folder, 'enabled'), '[rabbitmq_management].\n')
  for (const name of ['db', 'log']) mkdirSync(join(folder, name))
  let as = {}
  if (process.getuid?.() === 0) {
    const [uid = 0, gid = 0] = await Promise.all(['-u', '-g'].map(async (which) => Number((await runProgram('id', [which, 'rabbitmq'])).out)))
    chmodSync(folder, 0o755)
    for (const name of ['', 'db', 'log']) chownSync(join(folder, name), uid, gid)
    as = { uid, gid }
  }
  const said = openSync(join(folder, 'said'), 'w')
  const start = (program: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess => spawn(program, args, {
    cwd: folder, detached: true, stdio: ['ignore', said, said], ...as,
    env: { PATH: process.env['PATH'], HOME: folder, LANG: 'C.UTF-8', ERL_EPMD_PORT: String(mapPort), ...env },
  })
  const mapper = start(await epmd.bring(), ['-port', String(mapPort), '-address', '127.0.0.1'], {})
  // The broker does not come up when the mapper comes after it.
  await until('epmd listens', 10_000, () => listens(mapPort))
  const server = start(SCRIPT, [], {
    RABBITMQ_NODENAME: `test${apiPort}@localhost`, RABBITMQ_MNESIA_BASE: join(folder, 'db'), RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'), RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled'), RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_PID_FILE: join(folder, 'db/pid'), RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1 -kernel inet_dist_use_interface {127,0,0,1}',
  })
  const exited = Promise.all([once(server, 'exit'), once(mapper, 'exit')])
  const url = `http://127.0.0.1:${apiPort}`
  const authorization = `Basic ${Buffer.from(`${admin.user}:${admin.password}`).toString('base64')}`
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`${url}${path}`, { method, headers: { authorization, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`)
    const text = await answer.text()
    return text === '' ? undefined : JSON.parse(text)
  }
  const signal = (child: ChildProcess, name: NodeJS.Signals): void => {
    // Its group: the script is the parent of the broker.
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(-child.pid, name)
  }
  const version = await until('RabbitMQ answers', 120_000, async () => {
    if (server.exitCode !== null) throw new Error(`RabbitMQ ended at once: ${readFileSync(join(folder, 'said'), 'utf8').slice(-500)}`)
    const seen = await ask('GET', '/api/overview').catch(() => undefined)
    return seen === undefined ? undefined : (seen as { readonly rabbitmq_version: string }).rabbitmq_version
  })
  return {
    amqpPort, url, admin, ask, version: `RabbitMQ ${version}`,
    signal: (name) => signal(server, name),
    async stop() {
      for (const child of [server, mapper]) signal(child, 'SIGKILL')
      await exited
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function listens(port: number): Promise<true | undefined> {
  const socket = connect(port, '127.0.0.1')
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(undefined))
  }).finally(() => socket.destroy()) as Promise<true | undefined>
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}
