import { type Answer, type Call, type Host, KeyturnError, refused } from '../../kit/index.ts'
import { failure, loginFailure, saidWhere } from './failure.ts'
import { identifier, literal } from './quote.ts'
import type { Keep } from './keep.ts'
import { type Session, login } from './session.ts'
import { type Target, readUrl } from './target.ts'

/** Where the admin logs in: resolved at every use, because the reference may give another password tomorrow. */
export async function findAdmin(reference: string, host: Host, call: Call): Promise<Target> {
  const target = await readUrl(await host.resolve(reference, call))
  if (target.user === '') throw new KeyturnError('REFERENCE_UNRESOLVED', 'issuer.admin gives a URL without a user')
  host.conceal(target.password)
  return target
}

/** A connection of the admin. */
export interface AdminSession extends Session {
  /** As in `server_version_num`: 180004 is 18.4. */
  readonly version: number
}

/**
 * Runs the body on a connection of the admin: the one of an earlier call, if it was kept and still answers, else a new one, which is
 * kept in turn when nothing went wrong on it. Its statements end by the deadline, and names resolve in pg_catalog only, so that
 * nothing in another schema is called with the admin's rights.
 * `lost`: see {@link failure}; a body that may have had an effect answers for it itself.
 */
export async function asAdmin<T>(
  keep: Keep, target: Target, call: Call, lost: 'refused' | 'unknown', body: (session: AdminSession) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  let session = keep.take(target, call)
  let version = session === undefined ? undefined : await begin(session, call).catch(() => undefined)
  if (session === undefined || version === undefined) {
    await session?.close()
    try {
      session = await login(target, call)
    } catch (thrown) {
      return saidWhere(loginFailure(thrown, call, lost), target)
    }
  }
  try {
    version ??= await begin(session, call)
    return saidWhere(await body({ ...session, version }), target)
  } catch (thrown) {
    return saidWhere(failure(thrown, call, lost), target)
  } finally {
    await keep.give(target, session)
  }
}

/** What is set for each call, on a new connection as on one that was kept. Has no effect outside of it; answers with the version. */
async function begin(session: Session, call: Call): Promise<number> {
  const remaining = Math.max(1, Math.floor(call.deadline - Date.now()))
  const [row] = await session.query<{ version: number }>(`SET search_path = pg_catalog;
    SET statement_timeout = ${Math.min(remaining, 2_147_483_647)};
    SELECT current_setting('server_version_num')::int AS version`)
  return row?.version ?? 0
}

/** SQL: whether this session may set `keyturn.fence` on a role (a custom parameter is for superusers and grantees). */
export function mayFence(version: number): string {
  const superuser = '(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)'
  return version < 150_000 ? superuser : `(${superuser} OR has_parameter_privilege('keyturn.fence', 'SET'))`
}

/**
 * One transaction of effects, behind the fence of the principal: under a lock the newest fence that was ever here is read from
 * the role's settings, an older owner is refused with FENCED, and ours is set together with the effects. The lock is one of
 * this database, so all admins of a role should come through the same one.
 * Before COMMIT is sent nothing can have happened; an answer to it that got lost is `unknown`.
 */
export async function change<T>(
  session: AdminSession, role: string, call: Call, body: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
  let committing = false
  try {
    const [state] = await session.query<{ stored: string | null; exists: boolean; may: boolean }>(`
      BEGIN READ WRITE;
      SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off';
      SELECT pg_advisory_xact_lock(hashtextextended(${literal(`keyturn:${role}`)}, 0));
      SELECT (SELECT substr(one, 15) FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) AS one
              WHERE s.setdatabase = 0 AND r.rolname = ${literal(role)} AND one LIKE 'keyturn.fence=%') AS stored,
             EXISTS (SELECT FROM pg_roles WHERE rolname = ${literal(role)}) AS exists, ${mayFence(session.version)} AS may`)
    if (state === undefined || !state.exists) return await undo(session, refused('PRINCIPAL_MISSING', role))
    if (state.stored !== null && Number(state.stored) > call.fence) return await undo(session, refused('FENCED'))
    if (state.may) await session.query(`ALTER ROLE ${identifier(role)} SET keyturn.fence = '${Math.trunc(call.fence)}'`)
    const answer = await body()
    if (answer.is !== 'done') return await undo(session, answer)
    if (call.signal.aborted) return refused('DEADLINE')
    committing = true
    await session.query('COMMIT')
    return answer
  } catch (thrown) {
    return failure(thrown, call, committing ? 'unknown' : 'refused')
  }
}

async function undo<T>(session: Session, answer: Answer<T>): Promise<Answer<T>> {
  await session.query('ROLLBACK')
  return answer
}
