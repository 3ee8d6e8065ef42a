import { Socket } from 'node:net'
import type { Call } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Secret } from '../../kit/secret.ts'
import { type PostgresLogin, readPostgresUrl } from '../../outside/postgres-url.ts'

/** The application name of keyturn's own connections; they never count as use. */
export const ownName = 'keyturn'

export type Row = Readonly<Record<string, unknown>>

/** One statement; with values in the extended protocol, which a console does not know. */
export type Query = (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>

/** Reads the URL of a console. Throws REFERENCE_UNRESOLVED, without quoting it, when it is none. */
export async function readConsoleUrl(secret: Secret): Promise<PostgresLogin> {
  return { ...(await readServerUrl(secret, 'console')), database: 'pgbouncer' }
}

/** The same of a server. */
export async function readServerUrl(secret: Secret, key = 'admin'): Promise<PostgresLogin> {
  const unfit = (): KeyturnError => new KeyturnError('REFERENCE_UNRESOLVED', `\`${key}\` does not give a postgres:// URL with a user that can be used`)
  const place = await readPostgresUrl(secret, unfit)
  if (place.user === '') throw unfit()
  return place
}

/**
 * Logs in afresh, lets the body ask and leaves: the socket is closed when this
 * answers, and dies at the call's deadline. Throws what pg throws.
 */
export async function within<T>(place: PostgresLogin, call: Pick<Call, 'signal'>, body: (query: Query) => Promise<T>): Promise<T> {
  call.signal.throwIfAborted()
  const { default: pg } = await import('pg')
  const socket = new Socket()
  const client = new pg.Client({
    host: place.host, port: place.port, database: place.database, user: place.user, ssl: place.tls, application_name: ownName,
    // As a function: an empty password would otherwise be replaced by PGPASSWORD.
    password: () => place.password.reveal(),
    stream: () => socket,
  })
  const die = (): void => void socket.destroy(new Error('deadline'))
  call.signal.addEventListener('abort', die, { once: true })
  // A cut connection also rejects the pending query, which is where it is handled; unheard it would end the process.
  client.on('error', () => socket.destroy())
  try {
    await client.connect().catch((thrown: unknown) => {
      socket.destroy()
      throw thrown
    })
    return await body(async (sql, values) => (await client.query<Row>(sql, values === undefined ? undefined : [...values])).rows)
  } finally {
    if (!socket.destroyed) {
      const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()) })
      client.end().catch(() => socket.destroy())
      await closed
    }
    call.signal.removeEventListener('abort', die)
  }
}
