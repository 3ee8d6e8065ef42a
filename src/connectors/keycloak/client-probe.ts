import { type Answer, done } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Credential, Verdict } from '../../kit/issuer.ts'
import type { Work } from './api.ts'
import { readClient } from './client-record.ts'
import { askToken } from './token.ts'

/** Where a client shows its secret, and as whom. */
interface Shown {
  readonly base: string
  readonly realm: string
  readonly clientId: string
}

/** No refresh token looks like this. */
const NONE = 'keyturn-probe'

/**
 * Shows the secret at the token endpoint with a refresh token that is none: a client that proved itself hears `invalid_grant`, whichever
 * flows it has, and nothing is issued. With a wrong secret Keycloak 26 says 401 `unauthorized_client`. 401 `invalid_client` it says of a
 * client that is disabled or not there; RFC 6749 has it for a wrong secret too, so the admin looks which it is.
 */
export async function proveClient({ base, realm, clientId }: Shown, { fields: { secret } }: Credential, asAdmin: <T>(work: Work<T>) => Promise<Answer<T>>, call: Call): Promise<Answer<Verdict>> {
  if (secret === undefined) return done({ verdict: 'inconclusive', code: 'no-secret' })
  const answer = await askToken(base, realm, { grant_type: 'refresh_token', client_id: clientId, client_secret: secret, refresh_token: NONE }, call)
  if (answer.is !== 'done') return answer
  const { status, error = 'none' } = answer.value
  const code = `${status} ${error}`
  if (status === 400 && error === 'invalid_grant') return done({ verdict: 'accepted', code })
  if (status === 401 && error === 'unauthorized_client') return done({ verdict: 'rejected', code })
  if (status !== 401 || error !== 'invalid_client') return done({ verdict: 'inconclusive', code })
  return asAdmin({
    lost: 'unknown',
    body: async (api) => {
      const { enabled, unfit } = await readClient(api, clientId)
      return done({ verdict: enabled && unfit === undefined ? 'rejected' : 'inconclusive', code })
    },
  })
}
