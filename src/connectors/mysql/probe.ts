import { type Answer, type Call, type Credential, type Verdict, done, refused, unknown } from '../../kit/index.ts'
import { errorNumber, isRejection, saidWhere, socketCode } from './failure.ts'
import { login } from './session.ts'
import type { Target } from './target.ts'

/** One fresh login and one statement with the credential. What is `rejected` says {@link isRejection}. */
export async function probeAt(place: Target, database: string | undefined, credential: Credential, call: Call): Promise<Answer<Verdict>> {
  const { user, password } = credential.fields
  if (user === undefined || password === undefined) return refused('USAGE', 'a credential has user and password')
  try {
    const session = await login({ ...place, user: user.reveal(), password }, call, database)
    try {
      await session.query('SELECT 1')
    } finally {
      await session.close()
    }
    return done({ verdict: 'accepted', code: '0' })
  } catch (thrown) {
    if (call.signal.aborted) return saidWhere(unknown('DEADLINE'), place)
    const errno = errorNumber(thrown)
    if (errno !== undefined && isRejection(errno)) return done({ verdict: 'rejected', code: String(errno) })
    return done({ verdict: 'inconclusive', code: errno === undefined ? socketCode(thrown) : String(errno) })
  }
}
