/** What a load has seen so far. Times are milliseconds; latencies count from the moment at which a request was due. */
export interface Report {
  /** Started so far; those under way are among them. */
  readonly requests: number
  readonly underway: number
  readonly failed: number
  /** How many failed for each reason: `500 28P01`, `timeout`, `ECONNREFUSED`. */
  readonly reasons: Readonly<Record<string, number>>
  /** Zero until a request has ended. A timeout counts with the time after which it was given up. */
  readonly longest: number
  readonly p50: number
  readonly p99: number
  /** When requests failed, counted from the start of the load; absent while none has. */
  readonly failedFrom?: number
  readonly failedUntil?: number
  /** Since the first request was due. */
  readonly elapsed: number
  /** How late the load itself started a request, at worst, and how many it started over 50 ms late. */
  readonly lag: { readonly worst: number; readonly late: number }
}

/** Counts requests as they start and end. */
export interface Tally {
  /** `lag`: how late it started. */
  started(lag: number): void
  /** `failure` is a reason, absent when all is well; `at` counts from the start of the load. */
  ended(latency: number, at: number, failure?: string): void
  report(elapsed: number): Report
}

/** From here on a late start is named rather than hidden. */
const lateFrom = 50
const bucketsPerMs = 10

/** An empty tally. Percentiles are exact to a tenth of a millisecond; in them a latency beyond `ceiling` counts as it. */
export function openTally(ceiling: number): Tally {
  const buckets = new Uint32Array(ceiling * bucketsPerMs + 1)
  const reasons = new Map<string, number>()
  let requests = 0
  let finished = 0
  let failed = 0
  let longest = 0
  let worst = 0
  let late = 0
  let failedFrom: number | undefined
  let failedUntil: number | undefined

  const percentile = (share: number): number => {
    let left = Math.ceil(finished * share)
    const bucket = buckets.findIndex((count) => (left -= count) <= 0)
    return finished === 0 ? 0 : bucket / bucketsPerMs
  }

  return {
    started(lag) {
      requests += 1
      worst = Math.max(worst, lag)
      if (lag > lateFrom) late += 1
    },
    ended(latency, at, failure) {
      finished += 1
      longest = Math.max(longest, latency)
      const bucket = Math.min(Math.floor(latency * bucketsPerMs), buckets.length - 1)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
      if (failure === undefined) return
      failed += 1
      reasons.set(failure, (reasons.get(failure) ?? 0) + 1)
      failedFrom ??= at
      failedUntil = at
    },
    report: (elapsed) => ({
      requests,
      underway: requests - finished,
      failed,
      reasons: Object.fromEntries(reasons),
      longest,
      p50: percentile(0.5),
      p99: percentile(0.99),
      ...(failedFrom === undefined || failedUntil === undefined ? {} : { failedFrom, failedUntil }),
      elapsed,
      lag: { worst, late },
    }),
  }
}
