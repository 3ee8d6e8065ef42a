import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Credential, Verdict } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { isRejection } from './failure.ts'
import { login, type Server } from './session.ts'

/** Logs in anew at one server and leaves at once. What is no verdict of the server, as a full account, is inconclusive. */
export async function probe(server: Server | undefined, { fields }: Credential, call: Call): Promise<Answer<Verdict>> {
  if (server === undefined) return refused('MANIFEST_INVALID', 'the manifest has no such server')
  if (call.signal.aborted) return refused('DEADLINE', server.url)
  const { jwt = new Secret(''), seed = new Secret('') } = fields
  try {
    const connection = await login(server, { jwt, seed }, call)
    await connection.close()
    return done({ verdict: 'accepted', code: 'PONG' })
  } catch (thrown) {
    const rejected = isRejection(thrown)
    return done(rejected === undefined ? { verdict: 'inconclusive', code: call.signal.aborted ? 'DEADLINE' : 'UNREACHABLE' } : { verdict: 'rejected', code: rejected })
  }
}
