import { Socket } from 'node:net'
import type { Call } from '../../kit/index.ts'
import type { Target } from './target.ts'

/** The application name of keyturn's own connections; they never count as use. */
export const ownName = 'keyturn'

export interface Row {
  readonly [column: string]: unknown
}

/** One open connection. Its socket dies at the deadline of the call that it serves. */
export interface Session {
  /** Runs one statement, or without values several at once; answers the rows of the last. Throws pg's errors. */
  query<R extends object = Row>(sql: string, values?: readonly unknown[]): Promise<R[]>
  /** Whether nothing has gone wrong on it so far: no statement failed, and it was not cut. */
  isSound(): boolean
  /** From now on it serves this call and no other; none: it idles, and does not keep the process alive. */
  serve(call: Call | undefined): void
  /** Says goodbye and waits until the socket is closed. Never throws. */
  close(): Promise<void>
}

/** A fresh login. Throws what pg throws: an error with an SQLSTATE in `code` and a `severity`, or one of the socket. */
export async function login(target: Target, call: Call): Promise<Session> {
  call.signal.throwIfAborted()
  const { default: pg } = await import('pg')
  const socket = new Socket()
  const client = new pg.Client({
    host: target.host, port: target.port, database: target.database, user: target.user, ssl: target.tls,
    application_name: ownName,
    // as a function: an empty password would otherwise be replaced by PGPASSWORD
    password: () => target.password.reveal(),
    stream: () => socket,
  })
  const die = (): void => { socket.destroy(new Error('deadline')) }
  let served: AbortSignal | undefined
  const serve = (next: Call | undefined): void => {
    served?.removeEventListener('abort', die)
    served = next?.signal
    served?.addEventListener('abort', die, { once: true })
    if (next === undefined) socket.unref()
    else socket.ref()
  }
  serve(call)
  socket.once('close', () => served?.removeEventListener('abort', die))
  // a cut connection also rejects the pending query, which is where it is handled; unheard it would end the process
  client.on('error', () => socket.destroy())
  try {
    await client.connect()
  } catch (thrown) {
    socket.destroy()
    throw thrown
  }
  let failed = false
  return {
    async query<R extends object = Row>(sql: string, values?: readonly unknown[]): Promise<R[]> {
      try {
        const result: { rows: R[] } | { rows: R[] }[] = await client.query(sql, values === undefined ? undefined : [...values])
        return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? []
      } catch (thrown) {
        failed = true
        throw thrown
      }
    },
    isSound: () => !failed && !socket.destroyed && served?.aborted !== true,
    serve,
    async close() {
      if (socket.destroyed) return
      socket.ref()
      const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()) })
      client.end().catch(() => socket.destroy())
      await closed
    },
  }
}
