import type { Call, Ms } from '../kit/call.ts'

/** A call whose deadline is that far away. The signal aborts at it, as the engine's does. */
export function callWithin(ms: Ms, fence = 1): Call {
  return { signal: AbortSignal.timeout(ms), deadline: Date.now() + ms, fence }
}
