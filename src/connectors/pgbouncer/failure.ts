import { type Answer, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { KeyturnError, reduceCause } from '../../kit/error.ts'

/** What a fresh login said about a credential. `inconclusive` is no verdict on it. */
export type LoginVerdict = 'accepted' | 'rejected' | 'inconclusive'

/**
 * PgBouncer (1.18) has the one SQLSTATE 08P01 for everything that it refuses; its text tells what: its own refusal of a client, and the
 * server's, which it hands on. `server login has been failing` may have any cause. The texts are of its sources, and never shown.
 */
const REJECTED = /^(?:password|SASL) authentication failed|^no such user|^role "[^]*" is not permitted to log in/
const NO_ADMIN = /^not allowed|^admin access needed/

/** Whether the error is the refusal of a login. */
export function isRejection(thrown: unknown): boolean {
  const code = codeOf(thrown)
  return isServers(thrown) && (code === '28P01' || (code === '08P01' && REJECTED.test(thrown.message)))
}

/** The SQLSTATE, the code of the socket's error, or a word for it. */
export function codeOf(thrown: unknown): string {
  return reduceCause(thrown).code ?? 'CONNECTION_LOST'
}

/** What an error on the console means for an effect that was perhaps under way: `refused` when the console itself said no. */
export function consoleFailure(thrown: unknown, name: string, call: Pick<Call, 'signal'>): Answer<never> {
  if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
  if (call.signal.aborted) return unknown('DEADLINE', name)
  const evidence = { code: codeOf(thrown) }
  if (evidence.code === 'ECONNREFUSED' || evidence.code === 'ENOENT') return refused('UNREACHABLE', name, evidence)
  if (isServers(thrown) && NO_ADMIN.test(thrown.message)) return refused('RIGHTS_MISSING', `to be one of the \`admin_users\` of ${name}`, evidence)
  if (isRejection(thrown)) return refused('ADMIN_REJECTED', `the console of ${name}`, evidence)
  return unknown(isServers(thrown) ? 'SERVER_ERROR' : 'UNREACHABLE', name, evidence)
}

/** An error that the server sent, and not one of the socket. */
function isServers(thrown: unknown): thrown is Error {
  return thrown instanceof Error && 'severity' in thrown
}
