import { type Answer, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { KeyturnError, reduceCause } from '../../kit/error.ts'
import { isRejection } from '../../outside/nats/index.ts'
import { WriteFailed } from './account.ts'
import { Forbidden, NobodyListens } from './session.ts'

/**
 * What an error means. `sent` says whether something that may have an effect was sent before it: what got no verdict is `unknown`
 * then. Reads are `unknown` as well once they were asked. `place` is where the servers are.
 */
export function failure(thrown: unknown, call: Pick<Call, 'signal'>, sent: boolean, place: string): Answer<never> {
  const lost = sent ? unknown : refused
  if (thrown instanceof KeyturnError) return lost(thrown.code, thrown.about)
  if (thrown instanceof WriteFailed) return unknown('SERVER_ERROR', thrown.message)
  if (thrown instanceof Forbidden) return refused('RIGHTS_MISSING', `the user under \`system\` may not publish to ${thrown.subject}`)
  if (thrown instanceof NobodyListens) return refused('REQUEST_REFUSED', 'no server answers: accounts can be changed only where the resolver is `full`, by a user of the system account')
  if (call.signal.aborted) return lost('DEADLINE', place)
  if (isRejection(thrown) !== undefined) return refused('ADMIN_REJECTED', 'the user under `system` is rejected')
  const { name, code } = reduceCause(thrown)
  return lost('UNREACHABLE', place, { cause: code ?? name })
}
