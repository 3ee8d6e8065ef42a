import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../demo/until.ts'
import { makeRealm, type NatsServer, type Realm } from '../../servers/nats.ts'
import { freePort } from '../../../src/testing/port.ts'

/** A real server in a folder of its own. */
export interface RealNats extends NatsServer {
  /** As it says it: `NATS 2.15.2`. */
  readonly version: string
  /** What it has written of itself so far. */
  log(): string
  /** Sends it a signal: SIGSTOP and SIGCONT are an outage. */
  send(signal: NodeJS.Signals): void
  /** Ends it and starts it again, with the same folder, on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** One of a cluster: its name, where it listens for the others, and where those do. */
export interface Membership {
  readonly name: string
  readonly port: number
  readonly others: readonly number[]
  readonly realm: Realm
}

/** Starts one on a free port of this machine, in operator mode with a full resolver; one that stands alone has JetStream. */
export async function startNatsServer(program: string, { member, tls }: { readonly member?: Membership; readonly tls?: { readonly cert: string; readonly key: string } } = {}): Promise<RealNats> {
  const realm = member?.realm ?? (await makeRealm())
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-nats-'))
  const port = await freePort()
  for (const name of ['cert', 'key'] as const) if (tls !== undefined) writeFileSync(join(folder, `${name}.pem`), tls[name], { mode: 0o600 })
  writeFileSync(join(folder, 'nats.conf'), [
    `listen: 127.0.0.1:${port}`, `operator: ${realm.operatorJwt}`, `system_account: ${realm.systemAccount}`,
    `resolver: { type: full, dir: "${folder}/accounts", allow_delete: true, interval: "2m" }`, `resolver_preload: { ${realm.systemAccount}: ${realm.systemJwt} }`,
    ...(member === undefined
      ? [`jetstream: { store_dir: "${folder}/jetstream" }`]
      : [`server_name: ${member.name}`, `cluster: { name: test, listen: "127.0.0.1:${member.port}", routes: [${member.others.map((other) => `"nats://127.0.0.1:${other}"`).join(', ')}] }`]),
    ...(tls === undefined ? [] : [`tls: { cert_file: "${folder}/cert.pem", key_file: "${folder}/key.pem" }`]),
    `log_file: "${folder}/log"`, '',
  ].join('\n'), { mode: 0o600 })
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
  await start()
  return {
    port, realm, log,
    version: `NATS ${/Version:\s+(\S+)/.exec(log())?.[1] ?? 'unknown'}`,
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

