import { Pool, type QueryResult } from 'pg'

/** The pool of one DSN. It knows how many of its queries are under way, so it can be ended without losing one. */
export interface Connections {
  /** What the pool logs in with. */
  readonly password: string
  /** How often the pool has logged in. */
  logins(): number
  /** Runs one statement on a pooled connection. Throws what `pg` throws; there is no retry. */
  query(text: string, values?: readonly unknown[]): Promise<QueryResult<Record<string, unknown>>>
  /** Waits for the queries under way, then ends every connection. Nobody may start another query after this call. */
  drain(): Promise<void>
}

/** A little below the second that is promised, so that a query at the end of a connection's life still fits in. */
const lifetimeSeconds = 0.9

/**
 * Opens a pool whose connections live at most one second. That is what makes a changed password felt at once: a pool with
 * long-lived connections hides it until the next deployment.
 */
export function openConnections(dsn: string, application: string): Connections {
  const pool = new Pool({
    connectionString: dsn,
    application_name: application,
    max: 10,
    maxLifetimeSeconds: lifetimeSeconds,
    connectionTimeoutMillis: 1_500,
  })
  let logins = 0
  let underway = 0
  let drained: (() => void) | undefined
  pool.on('connect', () => {
    logins += 1
  })
  // The server may end an idle connection at any time. The pool drops it; without a listener the process would end.
  pool.on('error', () => undefined)

  return {
    password: decodeURIComponent(new URL(dsn).password),
    logins: () => logins,
    async query(text, values = []) {
      underway += 1
      try {
        return await pool.query(text, [...values])
      } finally {
        underway -= 1
        if (underway === 0) drained?.()
      }
    },
    async drain() {
      // pg's own end() forgets the callers that still wait for a connection.
      if (underway > 0) await new Promise<void>((resolve) => { drained = resolve })
      await pool.end()
    },
  }
}
