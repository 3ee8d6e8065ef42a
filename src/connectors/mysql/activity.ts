import { setTimeout as pause } from 'node:timers/promises'
import { type Call, type Use, label } from '../../kit/index.ts'
import type { AdminSession } from './admin.ts'
import { errorNumber } from './failure.ts'

interface Row {
  readonly id: number | string
  readonly user: string
  readonly host: string
  readonly db: string | null
}

/** The sessions of these users. The column compares without case, users differ by it: another's session must not be taken for ours. */
async function readSessions(session: AdminSession, users: readonly string[]): Promise<readonly Row[]> {
  const rows = await session.query<Row>(
    `SELECT ID AS id, USER AS user, HOST AS host, DB AS db FROM information_schema.PROCESSLIST WHERE USER IN (?) AND ID <> CONNECTION_ID()`, [users])
  return rows.filter(({ user }) => users.includes(user))
}

/** Who is logged in as these users now, by user: `database@address`, where a session has chosen one. */
export async function readUses(session: AdminSession, users: readonly string[]): Promise<ReadonlyMap<string, readonly Use[]>> {
  const rows = await readSessions(session, users)
  return new Map(users.map((user) => {
    const counts = new Map<string, number>()
    for (const one of rows.filter((row) => row.user === user)) {
      const by = `${label(one.db ?? '')}@${label(one.host.replace(/:\d+$/, ''))}`
      counts.set(by, (counts.get(by) ?? 0) + 1)
    }
    return [user, [...counts].map(([by, count]) => ({ by, count })).toSorted((one, other) => (one.by < other.by ? -1 : 1))]
  }))
}

/**
 * Ends the sessions of a user, and no other's, until none is seen twice in a row: a login that passed the check just before may appear
 * a moment later. Answers how many there were at the first look. Throws at the deadline.
 */
export async function sweep(session: AdminSession, user: string, call: Call): Promise<number> {
  let first: number | undefined
  for (let quiet = 0; quiet < 2;) {
    const rows = await readSessions(session, [user])
    first ??= rows.length
    quiet = rows.length === 0 ? quiet + 1 : 0
    for (const { id } of rows) await kill(session, Number(id))
    if (quiet < 2) await pause(20, undefined, { signal: call.signal })
  }
  return first ?? 0
}

async function kill(session: AdminSession, id: number): Promise<void> {
  try {
    await session.query(`KILL ${id}`)
  } catch (thrown) {
    // 1094: it has gone by itself.
    if (errorNumber(thrown) !== 1094) throw thrown
  }
}

/** `shop@10.0.0.7 (3), @10.0.0.8 (1)`, for messages. */
export function nameUses(uses: readonly Use[]): string {
  return uses.map(({ by, count }) => `${by} (${count})`).join(', ')
}
