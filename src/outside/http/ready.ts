import type { Call, Ms } from '../../kit/call.ts'
import { request } from './request.ts'

/** A service that takes longer to say that it is ready is not. */
const LOOK: Ms = 5_000

/** One look: whether a readiness address answers 200. Anything else, silence too, is no. */
export async function isReady(url: string, call: Pick<Call, 'signal'>): Promise<boolean> {
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(LOOK)])
  const answer = await request({ method: 'GET', url, until: () => true }, { signal })
  return answer.is === 'done' && answer.value.status === 200
}
