import { createHash } from 'node:crypto'
import { type Answer, type Call, refused } from '../../kit/index.ts'
import { failure, loginFailure, saidWhere } from './failure.ts'
import { type Session, login } from './session.ts'
import type { Target } from './target.ts'

export type Flavour = 'mariadb' | 'mysql'

/** A connection of the admin. */
export interface AdminSession extends Session {
  readonly flavour: Flavour
  /** As the server says it: `10.11.19-MariaDB-0+deb12u1`. */
  readonly version: string
}

/**
 * Runs the body on a fresh connection of the admin. `lost`: see {@link failure}; a body that may have had an effect answers for it
 * itself.
 */
export async function asAdmin<T>(
  target: Target, call: Call, lost: 'refused' | 'unknown', body: (session: AdminSession) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  let session: Session
  try {
    session = await login(target, call)
  } catch (thrown) {
    return saidWhere(loginFailure(thrown, call, lost), target)
  }
  try {
    const [row] = await session.query<{ version: string }>('SELECT VERSION() AS version')
    const version = row?.version ?? ''
    const flavour = /mariadb/i.test(version) ? 'mariadb' : 'mysql'
    // Quotes mean one thing everywhere, and on MariaDB a GRANT never makes a user without a password.
    await session.query(`SET SESSION sql_mode = '${flavour === 'mariadb' ? 'NO_AUTO_CREATE_USER' : ''}'`)
    return saidWhere(await body({ ...session, flavour, version }), target)
  } catch (thrown) {
    return saidWhere(failure(thrown, call, lost), target)
  } finally {
    await session.close()
  }
}

/**
 * Runs effects on a principal, one run at a time on this server: the lock belongs to the connection and lives as long as it, also when
 * its client is gone and a statement of it is yet to come. So whoever has the lock sees all that was done before.
 * Before the first effect (`sent`) a lost connection is `refused`, after it `unknown`.
 */
export async function change<T>(
  session: AdminSession, user: string, call: Call, body: (effect: (sql: string) => Promise<void>) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  let sent = false
  try {
    const name = `keyturn:${createHash('sha256').update(user).digest('hex').slice(0, 40)}`
    const seconds = Math.max(0, Math.ceil((call.deadline - Date.now()) / 1000))
    const [row] = await session.query<{ locked: unknown }>('SELECT GET_LOCK(?, ?) AS locked', [name, seconds])
    if (Number(row?.locked) !== 1) return refused('LOCKED', `another run changes ${user}`)
    return await body(async (sql) => {
      if (call.signal.aborted) throw call.signal.reason
      sent = true
      await session.query(sql)
    })
  } catch (thrown) {
    return failure(thrown, call, sent ? 'unknown' : 'refused')
  }
}
