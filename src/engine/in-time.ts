import { type Call, KeyturnError, type Ms, reduceCause, refused, unknown } from '../kit/index.ts'

/** After its deadline an action gets this long to come back by itself before its answer counts as lost. */
export const OVERTIME_MS = 500

/** A look that failed asks both credentials once more after its deadline, for five seconds at most: what tells whose fault it is. */
export const LOOK_OVERTIME_MS = 6_000

/** Timers hold 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A failure as an answer. */
type Failed = ReturnType<typeof refused> & { is: 'refused' | 'unknown' }

/**
 * Gives an action its deadline. Whatever it throws, or when it does not come back in time, is an answer too: `otherwise` makes it
 * one. `left` is what is left of its time, `overtime` what it gets after it to come back by itself; `lost` aborts it when another owner took over. When either is over already it is not
 * begun: a process that was silent for long must not act on what it knew then.
 */
export async function inTime<T>(left: Ms, call: Omit<Call, 'signal'>, lost: AbortSignal, body: (call: Call) => Promise<T>, otherwise: (failed: Failed) => T, overtime: Ms = OVERTIME_MS): Promise<T> {
  if (left <= 0 || lost.aborted) return otherwise(refused('DEADLINE') as Failed)
  // A controller and two timers that are taken away again: AbortSignal.timeout would keep its timer for the whole of a long deadline.
  const over = new AbortController()
  const abort = (): void => over.abort()
  lost.addEventListener('abort', abort)
  const timers = [setTimeout(abort, timerOf(left))]
  // Whatever a connector does with its signal, the engine goes on.
  const late = new Promise<T>((resolve) => {
    timers.push(setTimeout(() => resolve(otherwise(unknown('DEADLINE') as Failed)), timerOf(left + overtime)))
  })
  try {
    return await Promise.race([body({ ...call, signal: over.signal }), late])
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return otherwise(refused(thrown.code, thrown.about) as Failed)
    const cause = reduceCause(thrown)
    return otherwise(unknown('INTERNAL', [cause.name, cause.code].filter(Boolean).join(' ')) as Failed)
  } finally {
    for (const timer of timers) clearTimeout(timer)
    lost.removeEventListener('abort', abort)
  }
}

function timerOf(left: Ms): Ms {
  return Math.min(left, LONGEST_TIMER_MS)
}
