import type { Plan } from '../plan/plan.ts'
import { overlaps } from '../plan/steps.ts'
import { consumerKey, consumerKeys, shareReload } from './member.ts'

/** What the order of several secrets depends on. */
export interface Dependent {
  readonly name: string
  /** What else makes it due; names of other secrets are what it is rotated after. */
  readonly on?: readonly string[]
}

/** A consumer that is restarted once for several. */
export interface SharedReload {
  readonly consumer: string
  readonly secrets: readonly string[]
}

/** The names with all that follow them, directly or by others, in the order of `secrets`. Pure. */
export function withFollowers(names: readonly string[], secrets: readonly Dependent[]): string[] {
  const chosen = new Set(names)
  for (let size = 0; size !== chosen.size;) {
    size = chosen.size
    for (const { name, on = [] } of secrets) if (on.some((other) => chosen.has(other))) chosen.add(name)
  }
  return [...names.filter((name) => !secrets.some((secret) => secret.name === name)), ...secrets.filter(({ name }) => chosen.has(name)).map(({ name }) => name)]
}

/** The secrets that this one is rotated after, as far as they are among these. */
export function parentsOf({ on = [] }: Dependent, among: readonly string[]): string[] {
  return on.filter((name) => among.includes(name))
}

/**
 * The batches in which several secrets are rotated, one batch after another: whatever one is rotated after is in a batch before its own,
 * and those of a batch share restarts. In a batch come first those that may wait for the others with the new value published; then
 * those whose old value ends when the new one begins. `serial`: each by itself. Pure: the same plans give the same batches. Throws
 * TypeError on a circle, which no manifest has.
 */
export function batchesOf(plans: readonly Plan[], secrets: readonly Dependent[], serial: boolean): Plan[][] {
  return levelsOf(plans, secrets).flatMap((level) => (serial ? level.map((plan) => [plan]) : clustersOf(level)))
}

/** By how many others one has to be preceded; in each the order of the plans. */
function levelsOf(plans: readonly Plan[], secrets: readonly Dependent[]): Plan[][] {
  const names = plans.map(({ secret }) => secret)
  const levels: Plan[][] = []
  let left = [...plans]
  while (left.length > 0) {
    const waiting = new Set(left.map(({ secret }) => secret))
    const free = left.filter(({ secret }) => parentsOf(secrets.find(({ name }) => name === secret) ?? { name: secret }, names).every((parent) => !waiting.has(parent)))
    if (free.length === 0) throw new TypeError('the secrets follow each other in a circle')
    levels.push(free)
    left = left.filter((plan) => !free.includes(plan))
  }
  return levels
}

/** Those that share a restart, directly or by others, in the order of their first ones. */
function clustersOf(plans: readonly Plan[]): Plan[][] {
  const clusters: { readonly plan: Plan; readonly keys: ReadonlySet<string> }[][] = []
  for (const plan of plans) {
    // Each is compared with all that came before: its keys are made once.
    const one = { plan, keys: consumerKeys(plan) }
    const near = clusters.filter((cluster) => cluster.some((other) => shareReload(one.keys, other.keys)))
    const [first] = near
    if (first === undefined) clusters.push([one])
    else first.push(...near.slice(1).flatMap((other) => clusters.splice(clusters.indexOf(other), 1).flat()), one)
  }
  const at = (plan: Plan): number => plans.indexOf(plan)
  return clusters.map((cluster) => cluster.map(({ plan }) => plan).toSorted((one, other) => Number(overlaps(other)) - Number(overlaps(one)) || at(one) - at(other)))
}

/** What is restarted once for several of a batch. Each that leaves a gap restarts for itself, and for those that wait. */
export function sharedReloads(batch: readonly Plan[]): SharedReload[] {
  const shared = new Map<string, { consumer: string; secrets: string[] }>()
  for (const plan of batch) {
    for (const consumer of new Map(plan.waves.flat().map((each) => [consumerKey(each), each])).values()) {
      const known = shared.get(consumerKey(consumer)) ?? { consumer: consumer.title, secrets: [] }
      known.secrets.push(plan.secret)
      shared.set(consumerKey(consumer), known)
    }
  }
  return [...shared.values()].filter(({ secrets }) => secrets.length > 1)
}
