import { type Use, label } from '../../kit/index.ts'
import { type Session, ownName } from './session.ts'

// a session counts for the role that logged in, whatever role it took on later; workers of a session are left out
const sessions = `FROM pg_stat_activity WHERE usename = ANY ($1::name[]) AND pid <> pg_backend_pid()
  AND coalesce(backend_type, 'client backend') IN ('client backend', 'walsender')`

/** Who is logged in as these roles now, by role; keyturn's own connections are not listed. */
export async function readUses(session: Session, roles: readonly string[]): Promise<ReadonlyMap<string, readonly Use[]>> {
  const rows = await session.query<{ role: string; application: string; address: string; count: number }>(
    `SELECT usename AS role, coalesce(application_name, '') AS application, coalesce(host(client_addr), 'local') AS address,
            count(*)::int AS count
     ${sessions} AND application_name IS DISTINCT FROM $2 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    [roles, ownName],
  )
  return new Map(roles.map((role) => [role, rows
    .filter((row) => row.role === role)
    .map((row) => ({ by: `${label(row.application)}@${label(row.address)}`, count: row.count }))]))
}

/** Asks every session of the role to end, keyturn's own probes too; answers how many there still were. */
export async function endSessions(session: Session, role: string): Promise<number> {
  const rows = await session.query(`SELECT pg_terminate_backend(pid) ${sessions}`, [[role]])
  return rows.length
}

/** `app@10.0.0.7 (3), cron@local (1)`, for messages. */
export function nameUses(uses: readonly Use[]): string {
  return uses.map(({ by, count }) => `${by} (${count})`).join(', ')
}
