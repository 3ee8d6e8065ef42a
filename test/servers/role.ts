import { randomBytes } from 'node:crypto'
import { Client, type QueryResultRow } from 'pg'
import { Secret } from '../../src/kit/index.ts'
import { queryAt } from './postgres.ts'

/** A role with a password and a database of its own, at a test server. */
export interface TestRole {
  readonly name: string
  readonly password: string
  readonly database: string
  /** As a connector's credential. */
  readonly credential: { readonly id: string; readonly fields: { readonly user: Secret; readonly password: Secret } }
  /** One statement as admin in its database. */
  admin<Row extends QueryResultRow = QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>
  /** A URL of its database for some user, by default itself. */
  url(user?: string, password?: string, port?: number): string
}

/**
 * Makes one with a name that nobody else has; `prefix` may hold anything that a role name may. Its tables go to a schema of its
 * own in the shared database, or with `database: 'own'` (some 200 ms) to a database that it owns.
 */
export async function makeRole(
  adminUrl: string, { prefix = 'app', database: kind = 'shared' }: { prefix?: string; database?: 'own' | 'shared' } = {},
): Promise<TestRole> {
  const name = `${prefix}_${randomBytes(5).toString('hex')}`
  const password = `Old${randomBytes(15).toString('hex')}`
  const quoted = `"${name.replaceAll('"', '""')}"`
  await queryAt(adminUrl, `CREATE ROLE ${quoted} LOGIN PASSWORD '${password}'; CREATE SCHEMA AUTHORIZATION ${quoted}`)
  const database = kind === 'own' ? name : 'postgres'
  if (kind === 'own') await queryAt(adminUrl, `CREATE DATABASE ${quoted} OWNER ${quoted}`)
  const place = (user: string, secret: string, port?: number): string => {
    const url = new URL(adminUrl)
    url.username = encodeURIComponent(user)
    url.password = encodeURIComponent(secret)
    url.pathname = `/${encodeURIComponent(database)}`
    if (port !== undefined) url.port = String(port)
    return url.href
  }
  const own = new URL(adminUrl)
  return {
    name, password, database,
    credential: { id: name, fields: { user: new Secret(name), password: new Secret(password) } },
    admin: (sql, values) => queryAt(place(own.username, own.password), sql, values),
    url: (user = name, secret = password, port) => place(user, secret, port),
  }
}

/** A session that stays open until it is closed or ended. */
export async function openSession(url: string, application = 'test'): Promise<{
  readonly client: Client
  alive(): Promise<boolean>
  close(): Promise<void>
}> {
  const client = new Client({ connectionString: url, application_name: application })
  let ended = false
  client.on('error', () => { ended = true })
  client.on('end', () => { ended = true })
  await client.connect()
  return {
    client,
    alive: () => client.query('SELECT 1').then(() => true, () => false),
    close: async () => { if (!ended) await client.end() },
  }
}
