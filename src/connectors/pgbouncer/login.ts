import type { Call } from '../../kit/call.ts'
import type { Fields } from '../../kit/secret.ts'
import type { PostgresLogin } from '../../outside/postgres-url.ts'
import { codeOf, isRejection, type LoginVerdict } from './failure.ts'
import { within } from './session.ts'

/**
 * One fresh login with the fields `user` and `password`, and one statement that a server behind the pooler answers. Undefined when
 * the fields are not there. Throws nothing.
 */
export async function loginThrough(
  place: Pick<PostgresLogin, 'host' | 'port' | 'database' | 'tls'>, fields: Fields, call: Pick<Call, 'signal'>,
): Promise<{ readonly verdict: LoginVerdict; readonly code: string } | undefined> {
  const { user, password } = fields
  if (user === undefined || password === undefined) return undefined
  try {
    await within({ ...place, user: user.reveal(), password }, call, (query) => query('SELECT 1'))
    return { verdict: 'accepted', code: '00000' }
  } catch (thrown) {
    if (call.signal.aborted) return { verdict: 'inconclusive', code: 'DEADLINE' }
    return { verdict: isRejection(thrown) ? 'rejected' : 'inconclusive', code: codeOf(thrown) }
  }
}
