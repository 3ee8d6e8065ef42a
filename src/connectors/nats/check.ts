import { type Answer, done, type Evidence } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Check, CheckResult } from '../../kit/check.ts'
import type { CheckConfig, Expected } from './check-schema.ts'
import { type Counts, readCounts } from './jetstream.ts'

/** How long one look may take, ms: a server that hangs is no server that says something. */
const LOOK_MS = 5_000

/** The counts of a JetStream stream and of a consumer of it, by themselves or against the time before the change. */
export function openCheck(config: CheckConfig): Check {
  const { stream, consumer, expect } = config
  return {
    traits: { takesCredential: false, compares: expect.keeps !== undefined || expect.grows !== undefined || expect.pendingMore !== undefined },
    title: () => `nats stream ${stream}${consumer === undefined ? '' : `, consumer ${consumer}`}`,
    async run(call: Call, _, since): Promise<Answer<CheckResult>> {
      const seen = await readCounts(config, { signal: AbortSignal.any([call.signal, AbortSignal.timeout(LOOK_MS)]) })
      if (seen.is !== 'done') return seen
      if (typeof seen.value === 'string') return done({ verdict: 'inconclusive', evidence: { cause: seen.value } })
      const evidence: Evidence = { ...seen.value }
      const unmet = unmetBy(expect, seen.value, since?.before)
      return done(unmet === undefined ? { verdict: 'pass', evidence } : { verdict: unmet === 'before' ? 'inconclusive' : 'fail', evidence: { ...evidence, unmet } })
    },
  }
}

/** Which expectation does not hold; `before` when there is nothing to compare with. What is compared holds in preflight. */
function unmetBy(expect: Expected, now: Counts, before: Evidence | undefined): keyof Expected | 'before' | undefined {
  if (expect.atLeast !== undefined && now.messages < expect.atLeast) return 'atLeast'
  if (expect.pending !== undefined && (now.pending ?? 0) > expect.pending) return 'pending'
  if (before === undefined) return undefined
  const { messages, last, pending } = before
  if (typeof messages !== 'number' || typeof last !== 'number') return 'before'
  // Numbers only grow, so one that is lower is that of another stream of this name.
  const lost = messages + (now.last - last) - now.messages
  if (expect.keeps === true && (now.last < last || lost > 0)) return 'keeps'
  if (expect.grows === true && now.last <= last) return 'grows'
  if (expect.pendingMore === undefined) return undefined
  if (typeof pending !== 'number') return 'before'
  return (now.pending ?? 0) > pending + expect.pendingMore ? 'pendingMore' : undefined
}
