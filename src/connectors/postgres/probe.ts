import { type Answer, type Call, type Credential, type Verdict, done, refused, unknown } from '../../kit/index.ts'
import { asAdmin } from './admin.ts'
import { isPoolersRejection, saidWhere, socketCode, sqlState } from './failure.ts'
import { readRoles } from './role.ts'
import type { Keep } from './keep.ts'
import { login } from './session.ts'
import type { Target } from './target.ts'

/**
 * One fresh login and one statement with the credential. `rejected` is 28P01, a pooler's refusal, or 28000 when the admin reads that the role may
 * not log in (28000 is also what a missing line in pg_hba.conf gives, which says nothing about the credential).
 */
export async function probeAt(place: Target, keep: Keep, admin: Target, credential: Credential, call: Call): Promise<Answer<Verdict>> {
  const { user, password } = credential.fields
  if (user === undefined || password === undefined) return refused('USAGE', 'a credential has user and password')
  const name = user.reveal()
  try {
    const session = await login({ ...place, user: name, password }, call)
    try {
      await session.query('SELECT 1')
    } finally {
      await session.close()
    }
    return done({ verdict: 'accepted', code: '00000' })
  } catch (thrown) {
    if (call.signal.aborted) return saidWhere(unknown('DEADLINE'), place)
    const code = sqlState(thrown) ?? socketCode(thrown)
    if (code === '28P01' || isPoolersRejection(thrown)) return done({ verdict: 'rejected', code })
    if (code !== '28000') return done({ verdict: 'inconclusive', code })
    return asAdmin(keep, admin, call, 'unknown', async (session) => {
      const role = (await readRoles(session, [name])).get(name)
      return done({ verdict: role !== undefined && !role.canLogin ? 'rejected' : 'inconclusive', code })
    })
  }
}
