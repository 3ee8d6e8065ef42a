import { Socket } from 'node:net'
import type { Place } from './place.ts'

/** What a query answered. */
export interface Seen {
  readonly rows: number
  /** The first column of the first row as text, when there is one row with one column: what psql shows. Null is null. */
  readonly value: string | null | undefined
}

/** The extended protocol, in which a text is one statement and no more. Not in pg's types. */
const ONE_STATEMENT = { queryMode: 'extended' }

/**
 * Logs in afresh, asks one query in a read-only transaction, rolls it back and leaves. The server itself sees to it that the query
 * only reads: it is the query of a cursor (SELECT, VALUES, TABLE, WITH), alone in its message, and the transaction may not write. Of
 * the rows one is fetched, the others are counted where they are. The server ends it after `limit` ms; the socket dies when the
 * signal aborts. Throws what pg throws.
 */
export async function look(place: Place, query: string, limit: number, signal: AbortSignal): Promise<Seen> {
  signal.throwIfAborted()
  const { default: pg } = await import('pg')
  const socket = new Socket()
  const client = new pg.Client({
    host: place.host, port: place.port, database: place.database, user: place.user, ssl: place.tls,
    // The name of keyturn's own connections, which never count as use of a credential.
    application_name: 'keyturn',
    // As a function: an empty password would otherwise be replaced by PGPASSWORD.
    password: () => place.password.reveal(),
    stream: () => socket,
    types: { getTypeParser: () => (text: string) => text },
  })
  const die = (): void => void socket.destroy(new Error('deadline'))
  signal.addEventListener('abort', die, { once: true })
  // A cut connection also rejects the pending query, which is where it is handled; unheard it would end the process.
  client.on('error', () => socket.destroy())
  try {
    await client.connect().catch((thrown: unknown) => {
      socket.destroy()
      throw thrown
    })
    await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${Math.max(1, Math.floor(limit))}`)
    await client.query({ ...ONE_STATEMENT, text: `DECLARE keyturn_check NO SCROLL CURSOR FOR ${query}` })
    const first = await client.query<(string | null)[]>({ text: 'FETCH FORWARD 1 FROM keyturn_check', rowMode: 'array' })
    const others = first.rows.length === 0 ? 0 : ((await client.query('MOVE FORWARD ALL IN keyturn_check')).rowCount ?? 0)
    await client.query('ROLLBACK')
    const [row] = first.rows
    const single = row !== undefined && row.length === 1 && others === 0
    return { rows: first.rows.length + others, value: single ? row[0] : undefined }
  } finally {
    await leave(client, socket)
    signal.removeEventListener('abort', die)
  }
}

/** Says goodbye and waits until the socket is closed, which the server does at once. */
async function leave(client: { end(): Promise<void> }, socket: Socket): Promise<void> {
  if (socket.destroyed) return
  const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()) })
  client.end().catch(() => socket.destroy())
  await closed
}
