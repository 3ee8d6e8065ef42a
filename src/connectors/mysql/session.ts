import type { Socket } from 'node:net'
import type { Connection, QueryError } from 'mysql2'
import { type Call, KeyturnError } from '../../kit/index.ts'
import { dial } from '../../outside/dial.ts'
import type { Target } from './target.ts'

/** One open connection. Its socket dies at the deadline of the call that it serves. */
export interface Session {
  /** Runs one statement and answers its rows. Throws mysql2's errors: `errno` from the server, or `code` of the socket. */
  query<R extends object>(sql: string, values?: readonly unknown[]): Promise<R[]>
  /** Says goodbye and waits until the socket is closed. Never throws. */
  close(): Promise<void>
}

/** A fresh login, in no database unless one is named. Throws what mysql2 throws. */
export async function login(target: Target, call: Call, database?: string): Promise<Session> {
  call.signal.throwIfAborted()
  const { createConnection } = await loadDriver()
  const socket = await dial(target, call.signal)
  const connection = createConnection({
    host: target.host, port: target.port, user: target.user, password: target.password.reveal(), stream: socket,
    connectAttributes: { program_name: 'keyturn' }, multipleStatements: false, supportBigNumbers: true, bigNumberStrings: true,
    // No server may ask for files of this machine.
    flags: ['-LOCAL_FILES'],
    ...(database === undefined ? {} : { database }),
    ...(target.tls === undefined ? {} : { ssl: target.tls }),
  })
  // A cut connection also rejects the pending query, which is where it is handled; unheard it would end the process.
  connection.on('error', () => socket.destroy())
  try {
    await new Promise<void>((resolve, reject) => { connection.connect((error) => (error === null ? resolve() : reject(error))) })
  } catch (thrown) {
    socket.destroy()
    throw thrown
  }
  return sessionOn(connection, socket)
}

function sessionOn(connection: Connection, socket: Socket): Session {
  return {
    query: <R extends object>(sql: string, values: readonly unknown[] = []) => new Promise<R[]>((resolve, reject) => {
      connection.query(sql, [...values], (error: QueryError | null, rows: unknown) => {
        if (error !== null) reject(error)
        else resolve(Array.isArray(rows) ? rows : [])
      })
    }),
    async close() {
      if (socket.destroyed) return
      const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()) })
      connection.end(() => socket.destroy())
      await closed
    },
  }
}

/** The driver is brought by whoever rotates MySQL; nobody else has to install it. */
async function loadDriver(): Promise<typeof import('mysql2')> {
  try {
    const { default: driver } = await import('mysql2')
    return driver
  } catch (cause) {
    throw new KeyturnError('PRECONDITION_FAILED', 'the package mysql2 is not installed: npm install mysql2@3', { cause })
  }
}
