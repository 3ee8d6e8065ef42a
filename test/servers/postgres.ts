import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { Client, type QueryResultRow } from 'pg'
import { startCluster } from './cluster.ts'

export interface PostgresOptions {
  /** Server parameters beside the defaults here. */
  readonly config?: Readonly<Record<string, string>>
  /** Lines for pg_hba.conf, before the defaults: the socket trusts, TCP asks for SCRAM. */
  readonly hba?: readonly string[]
  /** Where to listen and how to log in as admin, when that had to be known before the start. */
  readonly place?: PostgresPlace
}

export interface PostgresPlace {
  readonly port: number
  /** Of the superuser `postgres`. */
  readonly password: string
}

export interface PostgresServer {
  readonly port: number
  /** `postgres://postgres:...@127.0.0.1:port/postgres`, a superuser. */
  readonly adminUrl: string
  /** The folder of its Unix socket. */
  readonly socket: string
  /** All of the server's log up to now, every statement in it. */
  log(): Promise<string>
  /** One statement as superuser. */
  query<Row extends QueryResultRow = QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>
  /** Ends it at once, as a crash would, and starts it again: every connection is cut, everything committed is there. */
  restart(): Promise<void>
  /** Ends the server and removes its data. May be repeated. */
  stop(): Promise<void>
}

/** A free port on 127.0.0.1 and a fresh password. */
export async function findPlace(): Promise<PostgresPlace> {
  const port = await new Promise<number>((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
  return { port, password: randomBytes(18).toString('hex') }
}

/** The admin URL of a server at that place. */
export function adminUrl(place: PostgresPlace): string {
  return `postgres://postgres:${place.password}@127.0.0.1:${place.port}/postgres`
}

/** Starts a PostgreSQL 18 of its own, in a folder of its own, on 127.0.0.1. Takes about a second. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const place = options.place ?? (await findPlace())
  const url = adminUrl(place)
  const parameters = {
    log_statement: 'all', fsync: 'off', autovacuum: 'off',
    log_line_prefix: '%q%u@%d ', password_encryption: 'scram-sha-256', ...options.config,
  }
  let written = ''
  const cluster = await startCluster({
    ...place, parameters, ...(options.hba === undefined ? {} : { hba: options.hba }), onLog: (text) => { written += text },
  })
  return {
    port: place.port, adminUrl: url, socket: cluster.socket,
    query: (sql, values) => queryAt(url, sql, values),
    restart: () => cluster.restart(),
    stop: () => cluster.stop(),
    log: async () => {
      const mark = `log-mark-${randomBytes(8).toString('hex')}`
      await queryAt(url, `SELECT '${mark}'`)
      await until(() => written.includes(mark), 'the server did not log')
      return written
    },
  }
}

/** One statement on a connection of its own. */
export async function queryAt<Row extends QueryResultRow = QueryResultRow>(
  url: string, sql: string, values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url, application_name: 'test' })
  await client.connect()
  try {
    const result = await client.query<Row>(sql, [...values])
    return result.rows
  } finally {
    await client.end()
  }
}

/** As claims name it: `PostgreSQL 18.4`. */
export async function versionAt(url: string): Promise<string> {
  const [row] = await queryAt<{ server_version: string }>(url, 'show server_version')
  return `PostgreSQL ${row?.server_version.split(' ')[0] ?? ''}`
}

/** Waits for a condition, at most `within` ms. */
export async function until(holds: () => boolean | Promise<boolean>, otherwise: string, within = 20_000): Promise<void> {
  for (const end = Date.now() + within; !(await holds()); ) {
    if (Date.now() > end) throw new Error(otherwise)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Waits until the shared server of the run (see setup.ts), whose admin URL was injected, takes logins. */
export async function ready(url: string): Promise<string> {
  await until(() => queryAt(url, 'SELECT 1').then(() => true, () => false), 'the shared PostgreSQL did not start')
  return url
}
