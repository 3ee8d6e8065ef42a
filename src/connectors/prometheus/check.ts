import { type Answer, done, type Evidence, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import type { Check, CheckResult, Since } from '../../kit/check.ts'
import { durationOf } from '../../kit/duration.ts'
import { KeyturnError } from '../../kit/error.ts'
import { Secret } from '../../kit/secret.ts'
import { judge, keep } from './judge.ts'
import type { CheckConfig } from './manifest.ts'
import { ask, type Result, type Unseen } from './query.ts'

type Headers = Readonly<Record<string, string | Secret>>

/** Queries with everything that they are sent with, already resolved. */
type Ask = (parameters: Readonly<Record<string, string>>) => Promise<Answer<Result | Unseen>>

/**
 * The value of a PromQL query, now. What could not be seen is `inconclusive`: no connection, an error, a warning, no series, samples
 * that are too old. Evidence is numbers, never a label of a series.
 */
export function openCheck(config: CheckConfig, host: Host): Check {
  const compares = config.expect.atMostMore !== undefined
  return {
    traits: { takesCredential: false, compares },
    title: () => `prometheus ${config.query}`,
    run: async (call, _, since) => {
      let headers: Headers
      try {
        headers = await headersOf(config, host, call)
      } catch (thrown) {
        if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
        throw thrown
      }
      const limit = durationOf(config.timeout)
      const send: Ask = (parameters) =>
        ask(config.url, { ...parameters, timeout: `${limit}ms` }, headers, AbortSignal.any([call.signal, AbortSignal.timeout(limit)]))
      // First, so that the value is of these samples or of newer ones.
      const stale = await staleness(config, since, host, send)
      if (stale !== undefined) return unclear(stale)
      const length = since === undefined ? durationOf(config.before) : Math.max(1_000, host.now() - since.at)
      const seen = await send({ query: config.query.replaceAll('{since}', `${Math.ceil(length / 1_000)}s`) })
      if (seen.is !== 'done') return seen
      if ('unseen' in seen.value) return unclear(seen.value.unseen)
      const { samples, warnings } = seen.value
      if (warnings > 0 && config.warnings === 'inconclusive') return unclear({ warnings })
      const kept = since === undefined && compares ? keep(samples) : {}
      if (kept === undefined) return unclear({ series: samples.length, cause: 'too-many-series' })
      const result = judge(config, samples, since?.before)
      return done<CheckResult>({ ...result, evidence: { ...kept, ...result.evidence } })
    },
  }
}

async function headersOf({ auth, headers = {} }: CheckConfig, host: Host, call: Call): Promise<Headers> {
  const sent: Record<string, string | Secret> = {}
  for (const [name, value] of Object.entries(headers)) sent[name.toLowerCase()] = await host.resolve(value, call)
  if (auth === undefined) return sent
  if ('bearer' in auth) return { ...sent, authorization: new Secret(`Bearer ${(await host.resolve(auth.bearer, call)).reveal()}`) }
  const { user, password } = auth.basic
  const pair = `${user}:${(await host.resolve(password, call)).reveal()}`
  return { ...sent, authorization: new Secret(`Basic ${Buffer.from(pair).toString('base64')}`) }
}

function unclear(evidence: Evidence): Answer<CheckResult> {
  return done({ verdict: 'inconclusive', evidence })
}

/** Why the samples say nothing about now; undefined when they do, or when that is not asked. */
async function staleness({ fresh, query }: CheckConfig, since: Since | undefined, host: Host, send: Ask): Promise<Evidence | undefined> {
  if (fresh === undefined) return undefined
  const { of, within } = typeof fresh === 'string' ? { of: query, within: fresh } : fresh
  // Of a metric itself, and only of that, it gives the time of the sample and not of the query.
  const times = await send({ query: `timestamp(${of})` })
  if (times.is !== 'done') return { cause: times.is === 'ask' ? 'ask' : times.code }
  if ('unseen' in times.value) return times.value.unseen
  const { at, samples } = times.value
  if (at === undefined) return { cause: 'no-samples' }
  // Both by the server's clock, so that it may differ from ours.
  const age = Math.round((at - Math.min(...samples.map(({ value }) => value))) * 1_000)
  return age <= durationOf(within) && host.now() - age >= (since?.at ?? -Infinity) ? undefined : { cause: 'stale', 'age ms': age }
}
