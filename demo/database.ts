import { randomBytes } from 'node:crypto'
import { Client, escapeIdentifier, escapeLiteral } from 'pg'

/** The answer of a server to one fresh login: `accepted`, or the SQLSTATE with which it refused. */
export type LoginAnswer = 'accepted' | string

/** A database of its own with one role that owns it, on a server that may have others. */
export interface Database {
  /** The role and the database have the same name. */
  readonly name: string
  /** Where the role logs in with this password. */
  dsn(user: string, password: string): string
  /** Runs one statement as admin and answers with its rows. */
  admin(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** How many sessions the server has counted in this database. It counts with about a second's delay. */
  sessions(): Promise<number>
  /** Takes away the database and every role whose name begins with its name. */
  drop(): Promise<void>
}

/** A random password of letters and digits, 190 bits. */
export function randomPassword(): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  let password = ''
  while (password.length < 32) {
    for (const byte of randomBytes(64)) {
      if (byte < letters.length * 4 && password.length < 32) password += letters[byte % letters.length] ?? ''
    }
  }
  return password
}

/** Makes role, database and the table that the service writes into. */
export async function createDatabase(adminUrl: string, name: string, password: string): Promise<Database> {
  const role = escapeIdentifier(name)
  const admin = async (sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> => query(adminUrl, sql)
  const dsn = (user: string, withPassword: string): string => {
    const url = new URL(adminUrl)
    url.username = user
    url.password = withPassword
    url.pathname = `/${name}`
    return url.href
  }

  await admin(`create role ${role} login password ${escapeLiteral(password)}`)
  await admin(`create database ${role} owner ${role}`)
  await query(dsn(name, password), `create table visits (
    id bigint generated always as identity primary key, instance text not null, at timestamptz not null default now())`)

  return {
    name,
    dsn,
    admin,
    async sessions() {
      const [row] = await admin(`select sessions from pg_stat_database where datname = ${escapeLiteral(name)}`)
      return Number(row?.['sessions'] ?? 0)
    },
    async drop() {
      await admin(`drop database if exists ${role} with (force)`)
      const roles = await admin(`select rolname from pg_roles where starts_with(rolname, ${escapeLiteral(name)})`)
      for (const { rolname } of roles) await admin(`drop role ${escapeIdentifier(String(rolname))}`)
    },
  }
}

/** One fresh login over TCP, closed at once. Throws when the server gave no verdict, e.g. because it is not there. */
export async function login(dsn: string): Promise<LoginAnswer> {
  try {
    await query(dsn, 'select 1')
    return 'accepted'
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
    if (typeof code === 'string' && code.startsWith('28')) return code
    throw error
  }
}

async function query(dsn: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new Client({ connectionString: dsn, application_name: 'demo', connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}
