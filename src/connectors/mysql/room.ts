import type { AdminSession } from './admin.ts'
import { readUses } from './activity.ts'

/** How many connections there are and how many fit. */
export interface Room {
  /** Of the current user. */
  readonly sessions: number
  readonly total: number
  readonly max: number
  /** Why a second pool of the same size would not fit; undefined when it does. */
  full(): string | undefined
}

/** Counts connections; while consumers are replaced, old and new pools are open together. https://mariadb.com/kb/en/server-system-variables/#max_connections */
export async function readRoom(session: AdminSession, current: string): Promise<Room> {
  const [limit] = await session.query<{ most: unknown }>('SELECT @@global.max_connections AS most')
  const [status] = await session.query<{ Value: unknown }>(`SHOW GLOBAL STATUS LIKE 'Threads_connected'`)
  const uses = (await readUses(session, [current])).get(current) ?? []
  const sessions = uses.reduce((sum, { count }) => sum + count, 0)
  const [max, total] = [Number(limit?.most), Number(status?.Value)]
  return {
    sessions, total, max,
    full: () => (total + sessions > max ? `${total} connections now, ${sessions} of them by ${current}, ${max} fit: a second pool does not` : undefined),
  }
}
