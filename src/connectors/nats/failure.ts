import { type Answer, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { KeyturnError, reduceCause } from '../../kit/error.ts'
import { WriteFailed } from './account.ts'
import { Forbidden, NobodyListens } from './session.ts'

/**
 * What an error means. `sent` says whether something that may have an effect was sent before it: what got no verdict is `unknown`
 * then. Reads are `unknown` as well once they were asked.
 */
export function failure(thrown: unknown, call: Pick<Call, 'signal'>, sent: boolean): Answer<never> {
  const lost = sent ? unknown : refused
  if (thrown instanceof KeyturnError) return lost(thrown.code, thrown.about)
  if (thrown instanceof WriteFailed) return unknown('SERVER_ERROR', thrown.message)
  if (thrown instanceof Forbidden) return refused('RIGHTS_MISSING', `the user under \`system\` may not publish to ${thrown.subject}`)
  if (thrown instanceof NobodyListens) return refused('REQUEST_REFUSED', 'no server answers: accounts can be changed only where the resolver is `full`, by a user of the system account')
  if (call.signal.aborted) return lost('DEADLINE')
  if (isRejection(thrown) !== undefined) return refused('ADMIN_REJECTED', 'the user under `system` is rejected')
  const { name, code } = reduceCause(thrown)
  return lost('UNREACHABLE', undefined, { cause: code ?? name })
}

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
