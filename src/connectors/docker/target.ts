import type { Answer } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Pace } from '../../kit/consumer.ts'
import type { Look } from './replicas.ts'

/** What is recreated: a service of compose or a single container. Its methods keep the laws of `Consumer`. */
export interface Target {
  readonly title: string
  /** Its parts of the resource key, behind the socket's. */
  readonly identity: readonly string[]
  /** How many instances it has. */
  readonly count: number
  readonly look: Look
  preflight(call: Call): Promise<Answer<{ readonly notices: readonly string[] }>>
  /** Answers how many were replaced. */
  reload(call: Call, pace: Pace, without: readonly string[]): Promise<Answer<number>>
}
