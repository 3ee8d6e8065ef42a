/** The middle one; the mean of the two middle ones of an even number. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  const [below, above] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]]
  return below === undefined || above === undefined ? Number.NaN : (below + above) / 2
}

/** One round: two times in milliseconds that were taken right after each other. */
export interface Pair {
  readonly subject: number
  readonly baseline: number
}

/** How many times as long the subject takes: the median over the rounds, so that a machine that slows down meanwhile slows both. */
export function ratio(pairs: readonly Pair[]): number {
  return median(pairs.map(({ subject, baseline }) => subject / baseline))
}

/** How much longer the subject takes, in milliseconds: the median over the rounds. */
export function difference(pairs: readonly Pair[]): number {
  return median(pairs.map(({ subject, baseline }) => subject - baseline))
}

/** The medians of both sides by themselves, for the reader; what counts is {@link ratio} or {@link difference}. */
export function sides(pairs: readonly Pair[]): { readonly subject: number; readonly baseline: number } {
  return { subject: median(pairs.map((pair) => pair.subject)), baseline: median(pairs.map((pair) => pair.baseline)) }
}

/** Takes times in turn: subject, baseline, subject, baseline. One round before them is not counted. */
export async function interleave(rounds: number, subject: () => Promise<unknown>, baseline: () => Promise<unknown>): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const pair = { subject: await time(subject), baseline: await time(baseline) }
    if (round > 0) pairs.push(pair)
  }
  return pairs
}

/** How long it takes, in milliseconds. */
export async function time(body: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await body()
  return performance.now() - from
}
