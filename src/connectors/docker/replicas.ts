import type { Answer } from '../../kit/answer.ts'
import type { Ms } from '../../kit/call.ts'
import type { Instance } from '../../kit/consumer.ts'
import type { Container } from './container.ts'

/** A container under the name that its instance keeps when it is replaced; without a container the instance is not there. */
export interface Replica {
  readonly name: string
  readonly container: Container | undefined
}

/** What becomes of looking at all instances of a consumer, in the order in which they are replaced. */
export type Look = (call: { readonly signal: AbortSignal }) => Promise<Answer<readonly Replica[]>>

/** Of one process and no later one: a container that is started again is the same container with another process. */
export function markOf({ Id, State }: Container): string {
  return `${Id.slice(0, 12)}@${startOf(State.StartedAt)}`
}

/** Unix ms; the year 1 when it never was started. */
function startOf(startedAt: string): number {
  return Date.parse(startedAt)
}

/**
 * Whether it runs and its health check says `healthy`; without a health check it has to have run for a while, because one that dies
 * and is started again and again is running at most looks. `now` is unix ms on the daemon's clock, which is ours: it has a Unix socket.
 */
export function isReady({ State }: Container, steadyFor: Ms, now: number): boolean {
  if (!State.Running || State.Paused || State.Restarting) return false
  const status = State.Health?.Status ?? 'none'
  return status === 'none' ? now - startOf(State.StartedAt) >= steadyFor : status === 'healthy'
}

/** As the engine of keyturn sees it. */
export function instanceOf({ name, container }: Replica, steadyFor: Ms, now: number): Instance {
  if (container === undefined) return { id: `${name}:gone`, name, ready: false }
  const startedAt = startOf(container.State.StartedAt)
  return { id: markOf(container), name, ready: isReady(container, steadyFor, now), ...(startedAt > 0 ? { startedAt } : {}) }
}
