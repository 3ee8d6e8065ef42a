import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, done, unknown } from '../../kit/answer.ts'
import type { Call, Ms } from '../../kit/call.ts'
import type { Look, Replica } from './replicas.ts'

/** How often containers that start are looked at. */
const POLL: Ms = 100

/**
 * Looks until `late` finds nobody any more. `unknown` CONSUMER_UNREADY with the name of one that it finds when `within` is over,
 * DEADLINE when the call is. A look that fails meanwhile is tried again.
 */
export async function untilNobody(late: (all: readonly Replica[]) => string | undefined, look: Look, within: Ms, call: Call): Promise<Answer<void>> {
  const limit = AbortSignal.any([call.signal, AbortSignal.timeout(within)])
  let name = 'docker'
  while (!limit.aborted) {
    const seen = await look({ signal: limit })
    if (seen.is === 'done') {
      const found = late(seen.value)
      if (found === undefined) return done(undefined)
      name = found
    }
    await wait(POLL, undefined, { signal: limit }).catch(() => undefined)
  }
  return unknown(call.signal.aborted ? 'DEADLINE' : 'CONSUMER_UNREADY', name)
}

/** For what follows an effect: of the whole it can no longer be said that nothing happened. */
export function afterEffect<T>(answer: Answer<T>): Answer<T> {
  return answer.is === 'refused' ? { ...answer, is: 'unknown' } : answer
}
