import type { AdminSession } from './admin.ts'
import type { Pair } from './pair.ts'

/** How many connections there are and how many fit. */
export interface Room {
  /** Of the current role. */
  readonly sessions: number
  readonly total: number
  /** Without those that are reserved for superusers and the like. */
  readonly max: number
  /** Why a second pool of the same size would not fit; undefined when it does. */
  full(strategy: Pair['strategy']): string | undefined
}

/**
 * Counts connections; while consumers are replaced, old and new pools are open together.
 * https://www.postgresql.org/docs/current/runtime-config-connection.html
 */
export async function readRoom(session: AdminSession, current: string): Promise<Room> {
  const [row] = await session.query<{ sessions: number; total: number; max: number; limit: number }>(
    `SELECT (SELECT count(*)::int FROM pg_stat_activity WHERE usename = $1) AS sessions,
            (SELECT sum(numbackends)::int FROM pg_stat_database) AS total,
            (SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE -setting::int END)::int FROM pg_settings
             WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')) AS max,
            (SELECT rolconnlimit FROM pg_roles WHERE rolname = $1) AS limit`,
    [current],
  )
  const { sessions, total, max, limit } = row ?? { sessions: 0, total: 0, max: 0, limit: -1 }
  const databases = await session.query<{ name: string; limit: number; total: number; sessions: number }>(
    `SELECT d.datname AS name, d.datconnlimit AS limit, count(*)::int AS total,
            (count(*) FILTER (WHERE a.usename = $1))::int AS sessions
     FROM pg_stat_activity a JOIN pg_database d ON d.oid = a.datid WHERE d.datconnlimit >= 0 GROUP BY 1, 2`,
    [current],
  )
  return {
    sessions, total, max,
    full(strategy) {
      if (total + sessions > max) {
        return `${total} connections now, ${sessions} of them by ${current}, ${max} fit: a second pool does not`
      }
      if (strategy === 'in-place' && limit >= 0 && 2 * sessions > limit) {
        return `${current} has ${sessions} of ${limit} connections: a second pool does not fit`
      }
      const tight = databases.find((one) => one.total + one.sessions > one.limit)
      if (tight === undefined) return undefined
      return `database ${tight.name} has ${tight.total} of ${tight.limit} connections: a second pool does not fit`
    },
  }
}
