import type { Evidence } from '../../kit/answer.ts'
import type { CheckResult } from '../../kit/check.ts'
import type { CheckConfig } from './manifest.ts'
import type { Sample } from './query.ts'

type Expected = CheckConfig['expect']

/** What is judged at once: a series, or all of them together. */
interface Unit {
  readonly value: number
  /** How much more it is than in preflight; absent where that is not asked, or in preflight itself. */
  readonly rise?: number
}

/** More series than this are not kept for a comparison: one sum over `increase` says the same. */
const KEPT = 50

/** What of the samples is kept in preflight to be compared with; undefined when they are too many. */
export function keep(samples: readonly Sample[]): Evidence | undefined {
  if (samples.length > KEPT) return undefined
  const finite = samples.filter(({ value }) => Number.isFinite(value))
  return Object.fromEntries(finite.map(({ series, value }) => [`series:${series}`, value]))
}

/**
 * What the samples say. `before` is what was seen in preflight; absent in preflight itself, where there is nothing to compare with
 * yet. Evidence is numbers.
 */
export function judge({ expect, series, empty }: CheckConfig, samples: readonly Sample[], before?: Evidence): CheckResult {
  const numbers = samples.filter(({ value }) => !Number.isNaN(value))
  const odd = samples.length - numbers.length
  const single = numbers.map((sample): Unit => ({ value: sample.value, ...riseOf(sample, expect, before) }))
  const units = series === 'sum' && single.length > 0 ? [sumOf(single)] : single
  const evidence: Record<string, string | number> = { series: samples.length, ...spread(units), ...(odd === 0 ? {} : { nan: odd }) }
  if (expect.atMostMore !== undefined && before !== undefined && before['series'] === undefined) {
    return { verdict: 'inconclusive', evidence: { ...evidence, cause: 'no-baseline' } }
  }
  if (units.length === 0) return { verdict: empty, evidence: { ...evidence, ...(empty === 'pass' ? {} : { unmet: 'empty' }) } }
  const unmets = units.map((unit) => unmet(unit, expect))
  const failing = unmets.filter((each) => each !== undefined)
  const violated = series === 'any' ? failing.length === units.length : failing.length > 0
  // What is not a number might be the one that decides, unless another one has decided already.
  const decided = odd === 0 || empty === 'pass' || (series === 'all' && violated) || (series === 'any' && !violated)
  if (!decided) return { verdict: empty, evidence: { ...evidence, unmet: 'nan' } }
  return violated ? { verdict: 'fail', evidence: { ...evidence, unmet: failing[0] ?? '' } } : { verdict: 'pass', evidence }
}

/** A series that was not there began at 0, and so did a counter that fell: the process behind it was started again. */
function riseOf({ series, value }: Sample, { atMostMore, counter }: Expected, before: Evidence | undefined): { rise?: number } {
  if (atMostMore === undefined || before === undefined) return {}
  const known = before[`series:${series}`]
  const was = typeof known === 'number' ? known : 0
  return { rise: counter && value < was ? value : value - was }
}

function sumOf(units: readonly Unit[]): Unit {
  const total = (each: (unit: Unit) => number): number => units.reduce((sum, unit) => sum + each(unit), 0)
  const rises = units.some(({ rise }) => rise !== undefined) ? { rise: total(({ rise }) => rise ?? 0) } : {}
  return { value: total(({ value }) => value), ...rises }
}

/** Which expectation a unit does not meet; undefined when it meets all. */
function unmet({ value, rise }: Unit, expect: Expected): string | undefined {
  const { equals, below, above, atMost, atLeast, atMostMore } = expect
  if (equals !== undefined && value !== equals) return 'equals'
  if (below !== undefined && !(value < below)) return 'below'
  if (above !== undefined && !(value > above)) return 'above'
  if (atMost !== undefined && !(value <= atMost)) return 'atMost'
  if (atLeast !== undefined && !(value >= atLeast)) return 'atLeast'
  return atMostMore !== undefined && rise !== undefined && !(rise <= atMostMore) ? 'atMostMore' : undefined
}

function spread(units: readonly Unit[]): Record<string, string | number> {
  const values = units.map(({ value }) => value)
  const rises = units.flatMap(({ rise }) => rise ?? [])
  if (units.length === 0) return {}
  return {
    ...(units.length === 1 ? { value: shown(Math.max(...values)) } : { min: shown(Math.min(...values)), max: shown(Math.max(...values)) }),
    ...(rises.length === 0 ? {} : { rise: shown(Math.max(...rises)) }),
  }
}

/** JSON has no infinite numbers. */
function shown(value: number): string | number {
  return Number.isFinite(value) ? value : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
