import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../demo/until.ts'
import type { ConfigServer } from '../../servers/nats-config.ts'
import { freePort } from '../../../src/testing/port.ts'

/** A real server whose configuration includes `users.json`, with JetStream. */
export interface RealConfigServer extends ConfigServer {
  /** As it says it: `NATS 2.15.2`. */
  readonly version: string
  log(): string
  /** Sends it a signal: SIGSTOP and SIGCONT are an outage. */
  send(signal: NodeJS.Signals): void
  /** Writes a line of its own into the main configuration; empty takes it out again. Not read before a reload. */
  extra(line: string): void
  restart(): Promise<void>
  stop(): Promise<void>
}

/** What stands around the include. In `accounts` the users are those of one account beside the system account. */
const AROUND = {
  authorization: 'authorization { include "users.json" }',
  accounts: 'accounts { A { jetstream: enabled, include "users.json" }, B { users: [ { user: "b", password: "of-another-account" } ] }, SYS { users: [] } }\nsystem_account: SYS',
} as const

/** Starts one on free ports of this machine. `routes`: the port for the others of a cluster, and theirs. */
export async function startConfigServer(program: string, { around = 'authorization', routes }: { readonly around?: keyof typeof AROUND; readonly routes?: { readonly own: number; readonly others: readonly number[] } } = {}): Promise<RealConfigServer> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-nats-config-'))
  const [port, http] = [await freePort(), await freePort()]
  let [most, extra] = [65_536, '']
  const write = (): void => writeFileSync(join(folder, 'nats.conf'), [
    `listen: 127.0.0.1:${port}`, `http: 127.0.0.1:${http}`, `server_name: n${port}`, `pid_file: "${folder}/pid"`, `log_file: "${folder}/log"`, `max_connections: ${most}`,
    AROUND[around], extra,
    routes === undefined ? `jetstream: { store_dir: "${folder}/jetstream" }` : `cluster: { name: test, listen: "127.0.0.1:${routes.own}", routes: [${routes.others.map((other) => `"nats://127.0.0.1:${other}"`).join(', ')}] }`, '',
  ].join('\n'))
  const log = (): string => (existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '')
  let child: ChildProcess
  const start = async (): Promise<void> => {
    const before = log().split('Server is ready').length
    const started = spawn(program, ['-c', join(folder, 'nats.conf')], { stdio: 'ignore' })
    child = started
    await until('the server is ready', 15_000, () => {
      if (started.exitCode !== null) throw new Error(`nats-server ended at once: ${log()}`)
      return log().split('Server is ready').length > before ? true : undefined
    })
  }
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await exited
  }
  write()
  writeFileSync(join(folder, 'users.json'), '{ "users": [ { "user": "nobody", "password": "not-used-by-anybody" } ] }', { mode: 0o600 })
  await start()
  return {
    port, folder, log,
    monitor: `http://127.0.0.1:${http}`,
    version: `NATS ${/Version:\s+(\S+)/.exec(log())?.[1] ?? 'unknown'}`,
    signal: (pid, name) => { process.kill(pid, name) },
    limit(connections) {
      most = connections
      write()
    },
    extra(line) {
      extra = line
      write()
    },
    send: (signal) => { child.kill(signal) },
    async restart() {
      await end()
      await start()
    },
    async stop() {
      await end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
