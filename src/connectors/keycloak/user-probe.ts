import { type Answer, done } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Credential, Verdict } from '../../kit/issuer.ts'
import type { Work } from './api.ts'
import { askToken, endSession } from './token.ts'
import { forgetFailures, readFailures, readUser } from './user-record.ts'

/** Where a user shows the password, and as whom. */
interface Shown {
  readonly base: string
  readonly realm: string
  readonly through: string
  readonly name: string
}

/**
 * A login with the password, whose session is ended again. 401 `invalid_grant` rejects; but Keycloak says just that of the right password
 * too while its brute force detection has locked the user, so the admin looks first. Two wrong logins within a second lock a user for
 * a minute: the one that we made ourselves is taken back, or proving would lock services out. 400 `invalid_grant` (disabled, required
 * actions) is no verdict on a password.
 */
export function proveUser({ base, realm, through, name }: Shown, { fields: { secret } }: Credential, asAdmin: <T>(work: Work<T>) => Promise<Answer<T>>, call: Call): Promise<Answer<Verdict>> {
  return asAdmin<Verdict>({
    lost: 'unknown',
    body: async (api) => {
      if (secret === undefined) return done({ verdict: 'inconclusive', code: 'no-secret' })
      const user = await readUser(api, name)
      const before = await readFailures(api, user)
      if (before.disabled) return done({ verdict: 'inconclusive', code: 'locked' })
      const answer = await askToken(base, realm, { grant_type: 'password', client_id: through, username: name, password: secret }, call)
      if (answer.is !== 'done') return answer
      const { status, error = 'none', access, refresh } = answer.value
      if (refresh !== undefined) await endSession(base, realm, { client_id: through, refresh_token: refresh }, call)
      if (access !== undefined) return done({ verdict: 'accepted', code: String(status) })
      const isRejected = status === 401 && error === 'invalid_grant'
      // Those of others stay counted.
      if (isRejected && before.numFailures === 0 && (await readFailures(api, user)).numFailures > 0) await forgetFailures(api, user)
      return done({ verdict: isRejected ? 'rejected' : 'inconclusive', code: `${status} ${error}` })
    },
  })
}
