import { type Answer, type Call, type Evidence, done, refused, unknown } from '../../kit/index.ts'
import { type AdminSession, change } from './admin.ts'
import { failure } from './failure.ts'
import type { Pair } from './pair.ts'
import { identifier } from './quote.ts'
import { readRights } from './rights.ts'
import { login } from './session.ts'
import type { Target } from './target.ts'

/**
 * Drops a dated role that may not log in any more: in every database where anything depends on it, what it owns goes to the original
 * and what it was granted is revoked; then the role. May be repeated after it was broken off anywhere; one that is absent is done.
 * https://www.postgresql.org/docs/current/role-removal.html
 */
export async function drop(session: AdminSession, pair: Pair, id: string, admin: Target, call: Call): Promise<Answer<{ readonly evidence: Evidence }>> {
  const databases = await dependent(session, id, admin.database)
  const closed = databases.find(({ open }) => !open)
  if (closed !== undefined) return refused('PRECONDITION_FAILED', `objects in database ${closed.name}, which takes no connections, depend on ${id}`)
  const { superuser } = await readRights(session, pair)
  for (const { name } of databases) {
    try {
      await handOver({ ...admin, database: name }, id, pair.original, superuser, call)
    } catch (thrown) {
      const cause = failure(thrown, call, 'unknown')
      const code = cause.is === 'refused' || cause.is === 'unknown' ? cause.code : 'INTERNAL'
      const about = `${id} may not log in any more, but what depends on it in database ${name} was not handed over`
      return cause.is === 'refused' ? refused(code, about) : unknown(code, about)
    }
  }
  return change<{ readonly evidence: Evidence }>(session, pair.original, call, async () => {
    await session.query(`DROP ROLE IF EXISTS ${identifier(id)}`)
    return done({ evidence: { role: id, dropped: true, databases: databases.length } })
  })
}

interface Database { readonly name: string; readonly open: boolean }

/** Where anything depends on the role; what belongs to no database by itself is dealt with from the admin's. The catalog is shared by all of them. */
async function dependent(session: AdminSession, id: string, own: string): Promise<readonly Database[]> {
  return session.query<{ name: string; open: boolean }>(
    `SELECT DISTINCT coalesce(d.datname, $2) AS name, coalesce(d.datallowconn, true) AS open
     FROM pg_shdepend s JOIN pg_roles r ON s.refclassid = 'pg_authid'::regclass AND r.oid = s.refobjid LEFT JOIN pg_database d ON d.oid = s.dbid
     WHERE r.rolname = $1 ORDER BY 1`, [id, own])
}

/** In one transaction. Both statements are for those who have the privileges of both roles: an admin that has not takes them meanwhile. */
async function handOver(place: Target, id: string, original: string, superuser: boolean, call: Call): Promise<void> {
  const session = await login(place, call)
  const [from, to] = [identifier(id), identifier(original)]
  const taken = superuser ? [] : [from, to].map((role) => `GRANT ${role} TO CURRENT_USER WITH INHERIT TRUE GRANTED BY CURRENT_USER`)
  const back = superuser ? [] : [from, to].map((role) => `REVOKE ${role} FROM CURRENT_USER GRANTED BY CURRENT_USER`)
  try {
    await session.query([
      'BEGIN', 'SET LOCAL search_path = pg_catalog', ...taken, `REASSIGN OWNED BY ${from} TO ${to}`, `DROP OWNED BY ${from}`, ...back, 'COMMIT',
    ].join(';\n'))
  } finally {
    await session.close()
  }
}
