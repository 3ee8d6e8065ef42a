import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Verdict } from '../../kit/issuer.ts'
import { login, type Presents, type Server } from './login.ts'

/**
 * The verdict of a server that rejected a login, in its own words; undefined for all else. A login that took too long, and an account
 * that has run out as a whole, come in the same class and say nothing of the credential.
 * https://github.com/nats-io/nats-server/blob/main/server/errors.go
 */
export function isRejection(thrown: unknown): string | undefined {
  const said = thrown instanceof Error ? thrown.message : ''
  const [words] = /authorization violation|user authentication (?:expired|revoked)/i.exec(said) ?? []
  return words?.toLowerCase().replaceAll(' ', '-')
}

/** Logs in anew at one server and leaves at once. What is no verdict of the server, as a full account, is inconclusive. */
export async function probeLogin(server: Server | undefined, presents: Presents, call: Call): Promise<Answer<Verdict>> {
  if (server === undefined) return refused('MANIFEST_INVALID', 'the manifest has no such server')
  if (call.signal.aborted) return refused('DEADLINE', server.url)
  try {
    const connection = await login(server, presents, call)
    await connection.close()
    return done({ verdict: 'accepted', code: 'PONG' })
  } catch (thrown) {
    const rejected = isRejection(thrown)
    return done(rejected === undefined ? { verdict: 'inconclusive', code: call.signal.aborted ? 'DEADLINE' : 'UNREACHABLE' } : { verdict: 'rejected', code: rejected })
  }
}
