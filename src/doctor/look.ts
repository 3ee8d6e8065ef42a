import type { Answer, Call, Ms } from '../kit/index.ts'
import { inTime } from '../engine/in-time.ts'

/** How long one look may take. */
const LOOK_MS: Ms = 15_000

/** A look under a deadline of its own: what it throws, or that it does not come back, is an answer too. */
export type Look = <T>(body: (call: Call) => Promise<Answer<T>>, within?: Ms) => Promise<Answer<T>>

/** Looks that end when the signal aborts, with the word that they had no time. */
export function lookUntil(interrupt: AbortSignal, now: () => number): Look {
  return <T>(body: (call: Call) => Promise<Answer<T>>, within: Ms = LOOK_MS) =>
    inTime<Answer<T>>(within, { deadline: now() + within, fence: 0 }, interrupt, body, (failed) => failed)
}
