import { done, type Evidence, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import type { Check, CheckResult } from '../../kit/check.ts'
import { durationOf } from '../../kit/duration.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Credential } from '../../kit/issuer.ts'
import type { Secret } from '../../kit/secret.ts'
import { failure } from './failure.ts'
import { look, type Seen } from './look.ts'
import type { CheckConfig } from './manifest.ts'
import { fillLogin, readPlace } from './place.ts'

/**
 * What a query answers, each time over a fresh login. A login that is rejected and a query that fails are `fail`, with the server's
 * SQLSTATE; a server that cannot be asked is `inconclusive`. The answer is in no evidence, save a number that is compared as one.
 */
export function openCheck(config: CheckConfig, host: Host): Check {
  return {
    traits: { takesCredential: config.login !== undefined },
    title: () => `sql ${config.query.replaceAll(/\s+/g, ' ').trim().slice(0, 80)}`,
    run: async (call, as) => {
      if (config.login !== undefined && as === undefined) return done({ verdict: 'inconclusive', evidence: { cause: 'no-credential' } })
      const limit = Math.min(durationOf(config.timeout), call.deadline - Date.now())
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(Math.max(0, limit))])
      try {
        const url = await urlOf(config, as, host, call)
        if (url === undefined) return refused('MANIFEST_INVALID', 'the credential has no such field as `login` names')
        // A little less for the server, so that it says itself that it took too long.
        return done(judge(await look(await readPlace(url), config.query, limit * 0.9, signal), config.expect))
      } catch (thrown) {
        if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
        return failure(thrown, signal)
      }
    },
  }
}

async function urlOf({ url, login }: CheckConfig, as: Credential | undefined, host: Host, call: Call): Promise<Secret | undefined> {
  if (login !== undefined) return as === undefined ? undefined : fillLogin(login, as.fields)
  return host.resolve(url ?? '', call)
}

type Expected = CheckConfig['expect']

function judge(seen: Seen, expect: Expected): CheckResult {
  const { rows, ...ofValue } = expect
  const asked = Object.keys(ofValue).length > 0
  const number = numberOf(seen.value)
  const compares = Object.keys(ofValue).some((key) => key !== 'equals')
  const evidence: Evidence = { rows: seen.rows, ...(compares && number !== undefined ? { value: number } : {}) }
  const missed =
    rows !== undefined && rows !== seen.rows ? 'rows' : asked && seen.value === undefined ? 'one-value' : asked ? unmet(seen.value ?? null, number, ofValue) : undefined
  return missed === undefined ? { verdict: 'pass', evidence } : { verdict: 'fail', evidence: { ...evidence, unmet: missed } }
}

function unmet(text: string | null, number: number | undefined, { equals, below, above, atMost, atLeast }: Omit<Expected, 'rows'>): string | undefined {
  if (equals !== undefined && !same(text, number, equals)) return 'equals'
  const value = number ?? Number.NaN
  if (below !== undefined && !(value < below)) return 'below'
  if (above !== undefined && !(value > above)) return 'above'
  if (atMost !== undefined && !(value <= atMost)) return 'atMost'
  return atLeast !== undefined && !(value >= atLeast) ? 'atLeast' : undefined
}

function same(text: string | null, number: number | undefined, wanted: string | number | boolean | null): boolean {
  if (typeof wanted === 'number') return number === wanted
  return text === (typeof wanted === 'boolean' ? (wanted ? 't' : 'f') : wanted)
}

function numberOf(text: string | null | undefined): number | undefined {
  return typeof text === 'string' && /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined
}
