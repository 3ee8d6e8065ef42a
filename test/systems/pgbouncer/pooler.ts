import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPlace, queryAt, until } from '../../servers/postgres.ts'
import { debianProgram } from '../parts/debian.ts'

export const pgbouncer = debianProgram('pgbouncer')

export interface PoolerOptions {
  /** Where the databases are: the port of a PostgreSQL on 127.0.0.1. */
  readonly server: number
  /** The lines of userlist.txt beside that of the admin. */
  readonly users?: readonly string[]
  /** Settings beside the ones here. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A PgBouncer on 127.0.0.1 in a folder of its own. */
export interface Pooler {
  readonly port: number
  readonly userlist: string
  /** Of its console, as a user of `admin_users`. */
  readonly adminUrl: string
  /** Of a database behind it. */
  url(user: string, password: string, database?: string): string
  /** `PgBouncer 1.18.0`, as it says itself. */
  version(): Promise<string>
  /** Everything that it has logged. */
  log(): string
  /** To the process: SIGSTOP and SIGCONT make an outage. */
  signal(name: NodeJS.Signals): void
  /** Takes the user of the console out of `admin_users`: it may `look` and change nothing, or do `nothing` there at all. */
  demote(to: 'look' | 'nothing'): Promise<void>
  /** Refuses every database from now on. */
  shut(): Promise<void>
  /** Ends it at once, as a crash would. */
  end(): Promise<void>
  /** Ends it and removes its folder. May be repeated. */
  stop(): Promise<void>
}

/** Of the account `nobody`, which every Linux has: PgBouncer does not run as root. */
const NOBODY = 65_534

/** Starts the PgBouncer of this machine. Its console's admin is `pooladmin`. */
export async function startPooler({ server, users = [], settings = {} }: PoolerOptions): Promise<Pooler> {
  const program = await pgbouncer.bring()
  const { port } = await findPlace()
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-pgbouncer-'))
  const as = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const password = randomBytes(18).toString('hex')
  const at = (name: string): string => join(folder, name)
  const put = (name: string, text: string): void => {
    writeFileSync(at(name), text, { mode: 0o600 })
    if (as.uid !== undefined) chownSync(at(name), as.uid, as.gid)
  }
  if (as.uid !== undefined) chownSync(folder, as.uid, as.gid)
  chmodSync(folder, 0o711)
  put('userlist.txt', ['; who may log in', `"pooladmin" "${password}"`, ...users, ''].join('\n'))
  const all = {
    listen_addr: '127.0.0.1', listen_port: String(port), unix_socket_dir: '', auth_type: 'scram-sha-256', auth_file: at('userlist.txt'),
    admin_users: 'pooladmin', pool_mode: 'transaction', logfile: at('log'), ...settings,
  }
  put('pgbouncer.ini', ['[databases]', `* = host=127.0.0.1 port=${server}`, '[pgbouncer]', ...Object.entries(all).map(([key, value]) => `${key} = ${value}`), ''].join('\n'))

  const adminUrl = `postgres://pooladmin:${password}@127.0.0.1:${port}/pgbouncer`
  const start = async (): Promise<ReturnType<typeof spawn>> => {
    const child = spawn(program, ['--quiet', at('pgbouncer.ini')], { ...as, stdio: 'ignore', cwd: folder })
    await until(() => {
      if (child.exitCode !== null) throw new Error(`PgBouncer ended at once: ${readFileSync(at('log'), 'utf8')}`)
      return queryAt(adminUrl, 'SHOW VERSION').then(() => true, () => false)
    }, 'PgBouncer did not start')
    return child
  }
  const child = await start()
  const reload = async (change: (text: string) => string): Promise<void> => {
    put('pgbouncer.ini', change(readFileSync(at('pgbouncer.ini'), 'utf8')))
    await queryAt(adminUrl, 'RELOAD')
  }
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  return {
    port, adminUrl, userlist: at('userlist.txt'),
    url: (user, secret, database = 'postgres') => `postgres://${user}:${secret}@127.0.0.1:${port}/${database}`,
    version: async () => (await queryAt<{ version: string }>(adminUrl, 'SHOW VERSION'))[0]?.version ?? '',
    log: () => readFileSync(at('log'), 'utf8'),
    signal: (name) => void child.kill(name),
    demote: (to) => reload((text) => text.replace('admin_users = pooladmin', `stats_users = ${to === 'look' ? 'pooladmin' : 'nobody'}\nadmin_users = nobody`)),
    shut: () => reload((text) => text.replace(`port=${server}`, 'port=1')),
    end,
    async stop() {
      await end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
