import { type Answer, type Call, done, type Entries, type Evidence, type Patch, refused, type Store, unknown } from '../kit/index.ts'
import type { Shown } from '../plan/step.ts'
import { entriesFor, holds, isOurs } from './entries.ts'
import type { Scene } from './scene.ts'
import { keepSnapshot } from './snapshot.ts'

/** How often a concurrent edit is read again and patched before it is called a conflict. */
const TRIES = 5

/** How often it is looked whether what was written has arrived where it is read. */
const ARRIVAL_EVERY_MS = 1_000

/** What is left of the deadline to say that it has not. */
const ARRIVAL_MARGIN_MS = 500

interface PublishStep extends Shown {
  readonly store: number
}

/**
 * Patches our keys of one store inside a compare-and-set loop, so that somebody's edit of other keys survives. Our own keys have
 * to hold the other credential or this one: a third value is somebody's doing, and is not overwritten.
 */
export async function publish(scene: Scene, step: PublishStep, call: Call): Promise<Answer<Evidence>> {
  const store = scene.cast.stores[step.store]
  const planned = scene.plan.stores[step.store]
  if (store === undefined || planned === undefined) return refused('INTERNAL', 'no such store')
  const keys = Object.keys(planned.bind)
  const kept = await keepSnapshot(scene, call)
  if (kept.is !== 'done') return kept
  // The store's lock is ours: what lies beside it is what a killed writer left.
  const tidied = await store.tidy(call)
  if (tidied.is !== 'done') return tidied
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const seen = await store.read(keys, call)
    if (seen.is !== 'done') return seen
    const foreign = foreignKey(scene, step, seen.value.entries)
    if (foreign !== undefined) return refused('STORE_EDITED', `${foreign} in ${planned.title}`)
    const entries = entriesFor(scene, step.store, step, seen.value.entries)
    if (holds(seen.value.entries, entries)) return whenArrived(scene, store, entries, seen.value.revision, { keys: keys.length, already: true }, call)
    const written = await store.write(entries, seen.value.revision, call)
    if (written.is === 'done') return whenArrived(scene, store, entries, written.value.revision, { keys: keys.length, tries: attempt }, call)
    if (written.is === 'ask' || written.code !== 'CONFLICT') return written
  }
  return refused('CONFLICT', planned.title)
}

/**
 * Done as soon as consumers read it: a reload before that would give them the old value once more. Not in time is a refusal that
 * passes, since the next attempt finds it written and waits on.
 */
async function whenArrived(scene: Scene, store: Store, entries: Patch, revision: string, evidence: Evidence, call: Call): Promise<Answer<Evidence>> {
  if (store.arrived === undefined) return done(evidence)
  while (true) {
    const seen = await store.arrived(entries, revision, call)
    if (seen.is !== 'done') return seen
    if (seen.value.arrived) return done({ ...evidence, arrived: true })
    const left = call.deadline - scene.now() - ARRIVAL_MARGIN_MS
    if (left <= 0) return refused('DEADLINE', `written, but ${seen.value.why ?? `not yet where ${store.title()} is read`}`)
    await scene.sleep(Math.min(ARRIVAL_EVERY_MS, left), call.signal)
  }
}

/** Reads back: true when every key of ours holds this credential, where it is read. */
export async function lookForPublish(scene: Scene, step: PublishStep, call: Call): Promise<Answer<boolean>> {
  const store = scene.cast.stores[step.store]
  if (store === undefined) return refused('INTERNAL', 'no such store')
  const tidied = await store.tidy(call)
  if (tidied.is !== 'done') return unknown('STORE_DENIED', 'what a killed write left cannot be taken away')
  const seen = await store.read(Object.keys(scene.plan.stores[step.store]?.bind ?? {}), call)
  if (seen.is !== 'done') return seen
  const entries = entriesFor(scene, step.store, step, seen.value.entries)
  if (!holds(seen.value.entries, entries)) return done(false)
  const arrived = await store.arrived?.(entries, seen.value.revision, call)
  return arrived === undefined || arrived.is !== 'done' ? (arrived ?? done(true)) : done(arrived.value.arrived)
}

/** The first of our keys that holds neither of the two credentials. */
function foreignKey(scene: Scene, step: PublishStep, entries: Entries): string | undefined {
  const known = [scene.values.old, scene.values.new, ...(scene.values.inherited?.values() ?? [])].filter((each) => each !== undefined)
  const names = Object.keys(scene.plan.traits.fields)
  for (const [key, binding] of Object.entries(scene.plan.stores[step.store]?.bind ?? {})) {
    const value = entries[key]
    // A key that is not there yet is ours to add: nobody's value is lost.
    if (value !== undefined && !isOurs(binding, value, known, names)) return key
  }
  return undefined
}
