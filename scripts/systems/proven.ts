import type { Claim } from '../../test/systems/claims.ts'
import type { Claims } from '../../test/systems/reporter.ts'

/** `docs/proven.json`: what the newest run of each system has proven, sorted. */
export type Proven = readonly Claim[]

/**
 * What stands in the file after a run: what it proved takes the place of what the same connectors claimed before, on whatever version.
 * `whole`: every system was run, so what nobody proved any more goes.
 */
export function afterRun(before: Proven, { proven, failed }: Claims, whole: boolean): Proven {
  const touched = new Set([...proven, ...failed].map(withoutVersion))
  const kept = whole ? [] : before.filter((claim) => !touched.has(withoutVersion(claim)))
  const all = new Map([...kept, ...proven].map((claim) => [keyOf(claim), claim]))
  for (const claim of failed) all.delete(keyOf(claim))
  return [...all].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, claim]) => claim)
}

/** Claims that stood there and were not proven by this run, whatever the version of the server. */
export function lostOf(before: Proven, now: Proven): Proven {
  const left = new Set(now.map(withoutVersion))
  return before.filter((claim) => !left.has(withoutVersion(claim)))
}

/** Claims of this run that do not stand there. */
export function newOf(before: Proven, now: Proven): Proven {
  return lostOf(now, before)
}

/** One claim on a line. */
export function provenFile(proven: Proven): string {
  return `[\n${proven.map((claim) => `  ${JSON.stringify(claim)}`).join(',\n')}\n]\n`
}

/** For messages. */
export function sayClaim({ connector, as, strategy, on }: Claim): string {
  return `${connector} as ${as}${strategy === undefined ? '' : ` (${strategy})`} on ${on}`
}

function keyOf({ connector, as, strategy, on }: Claim): string {
  return [connector, as, strategy ?? '', on].join('\0')
}

/** Another patch of the same server is the same claim. */
function withoutVersion({ connector, as, strategy, on }: Claim): string {
  return [connector, as, strategy ?? '', on.replace(/ v?\d[\w.+-]*$/, '')].join('\0')
}
