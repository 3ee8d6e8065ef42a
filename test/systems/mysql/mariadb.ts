import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { until } from '../../../demo/until.ts'
import { debianProgram } from '../parts/debian.ts'
import { runProgram } from '../parts/program.ts'
import { freePort } from '../../../src/testing/port.ts'

/** The server, and what makes its data folder; both come in one package. */
export const mariadbd = debianProgram('mariadbd', 'mariadb-server')
const installer = debianProgram('mariadb-install-db', 'mariadb-server')

/** A MariaDB with a data folder of its own. */
export interface MariaDb {
  readonly port: number
  /** Of an admin with every right. */
  readonly adminUrl: string
  /** As messages name it: `MariaDB 10.11.19`. */
  readonly version: string
  /** One statement as the admin. */
  admin<R extends object = Record<string, unknown>>(sql: string): Promise<R[]>
  /** What it wrote to its general log: every statement of every client. */
  log(): string
  /** Sends a signal to it, such as SIGSTOP. */
  signal(name: NodeJS.Signals): void
  /** Ends it and removes its data. May be repeated. */
  stop(): Promise<void>
}

/** Starts one on a free port of loopback. */
export async function startMariaDb(): Promise<MariaDb> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-mariadb-'))
  const data = join(folder, 'data')
  mkdirSync(data)
  // Root may not run it: it becomes the user that the package made.
  const asUser = process.getuid?.() === 0 ? ['--user=mysql'] : []
  if (asUser.length > 0) {
    chmodSync(folder, 0o755)
    const [uid, gid] = await Promise.all(['-u', '-g'].map(async (which) => Number((await runProgram('id', [which, 'mysql'])).out)))
    chownSync(data, uid ?? 0, gid ?? 0)
  }
  const port = await freePort()
  const password = 'admin-of-the-test'
  const made = await runProgram(await installer.bring(), ['--no-defaults', ...asUser, `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'])
  if (made.code !== 0) throw new Error(`mariadb-install-db ended with ${made.code}`)
  const said = openSync(join(folder, 'said'), 'w')
  const server = spawn(await mariadbd.bring(), [
    '--no-defaults', ...asUser, `--datadir=${data}`, '--bind-address=127.0.0.1', `--port=${port}`, `--socket=${join(data, 's')}`, '--skip-name-resolve',
    `--pid-file=${join(data, 'pid')}`, '--innodb-buffer-pool-size=16M', '--innodb-flush-log-at-trx-commit=2', '--general-log=1', `--general-log-file=${join(data, 'general.log')}`,
  ], { stdio: ['ignore', said, said] })
  const exited = once(server, 'exit')
  const login = { host: '127.0.0.1', port, user: 'root' }
  await until('MariaDB answers', 30_000, async () => {
    if (server.exitCode !== null) throw new Error(`mariadbd ended at once: ${readFileSync(join(folder, 'said'), 'utf8').slice(-500)}`)
    try {
      const first = await createConnection(login)
      await first.query(`DELETE FROM mysql.global_priv WHERE User = ''`)
      await first.query(`SET PASSWORD = PASSWORD('${password}')`)
      await first.query('FLUSH PRIVILEGES')
      await first.end()
      return true
    } catch {
      return undefined
    }
  })
  const admin = async <R extends object>(sql: string): Promise<R[]> => {
    const connection = await createConnection({ ...login, password })
    try {
      const [rows] = await connection.query(sql)
      return Array.isArray(rows) ? (rows as R[]) : []
    } finally {
      await connection.end()
    }
  }
  const [row] = await admin<{ version: string }>('SELECT VERSION() AS version')
  return {
    port, admin,
    adminUrl: `mysql://root:${password}@127.0.0.1:${port}`,
    version: `MariaDB ${row?.version.split('-')[0] ?? ''}`,
    log: () => readFileSync(join(data, 'general.log'), 'latin1'),
    signal: (name) => { server.kill(name) },
    async stop() {
      if (server.exitCode === null && server.signalCode === null) server.kill('SIGKILL')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

