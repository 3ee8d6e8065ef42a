import { setTimeout as pause } from 'node:timers/promises'
import { type Call, type Use, label } from '../../kit/index.ts'
import type { Admin } from './admin.ts'
import { OWN_AGENT, type Session } from './session.ts'

/** One open connection as its server lists it. */
export interface Connection {
  readonly id: string
  readonly user: string
  /** What the client calls itself: `neo4j-javascript/6.3.0`. */
  readonly agent: string
  /** Without its port. */
  readonly from: string
  /** Since when, unix ms by the server's clock. */
  readonly since: number
}

/** All connections of this server, over Bolt and HTTP, our own too. https://neo4j.com/docs/operations-manual/current/procedures/#procedure_dbms_listconnections */
export async function readConnections(session: Session): Promise<readonly Connection[]> {
  const { rows } = await session.run('CALL dbms.listConnections() YIELD connectionId, connectTime, username, userAgent, clientAddress')
  return rows.map((row) => ({
    id: String(row['connectionId']), user: String(row['username'] ?? ''), agent: String(row['userAgent'] ?? ''),
    from: String(row['clientAddress'] ?? '').replace(/:\d+$/, ''), since: Date.parse(String(row['connectTime'])),
  }))
}

/** Who is connected as this user, keyturn left out: `neo4j-javascript/6.3.0@10.0.0.7`. */
export function usesOf(user: string, connections: readonly Connection[]): readonly Use[] {
  const counts = new Map<string, number>()
  for (const one of connections) {
    if (one.user !== user || one.agent.startsWith(OWN_AGENT)) continue
    const by = `${label(one.agent)}@${label(one.from)}`
    counts.set(by, (counts.get(by) ?? 0) + 1)
  }
  return [...counts].map(([by, count]) => ({ by, count })).toSorted((one, other) => (one.by < other.by ? -1 : 1))
}

/** `neo4j-javascript/6.3.0@10.0.0.7 (3)`, for messages. */
export function nameUses(uses: readonly Use[]): string {
  return uses.map(({ by, count }) => `${by} (${count})`).join(', ')
}

/**
 * Ends the connections of a user on every node, and no other's, until none is seen twice in a row: a login that passed the check just
 * before may appear a moment later. They do not end by themselves: whoever is logged in stays so, with all rights, when its password is
 * changed and even when the user is dropped. Answers how many were ended. Throws at the deadline.
 */
export async function sweep(admin: Admin, user: string, call: Call): Promise<number> {
  const ended = await admin.each(async (session) => {
    let count = 0
    for (let quiet = 0; quiet < 2;) {
      const ids = (await readConnections(session)).filter((one) => one.user === user).map(({ id }) => id)
      quiet = ids.length === 0 ? quiet + 1 : 0
      if (ids.length > 0) count += (await session.run('CALL dbms.killConnections($ids) YIELD connectionId, message', { ids })).rows.length
      if (quiet < 2) await pause(20, undefined, { signal: call.signal })
    }
    return count
  })
  return ended.reduce((sum, count) => sum + count, 0)
}
