import { type Answer, type Call, done, type Entries, type Evidence, type Fields, refused, type Secret, unknown } from '../kit/index.ts'
import { readBinding } from '../manifest/binding.ts'
import type { Which } from '../plan/step.ts'
import { entriesFor, type Scene, valueOf } from './scene.ts'

/** How often a concurrent edit is read again and patched before it is called a conflict. */
const TRIES = 5

interface PublishStep {
  readonly store: number
  readonly which: Which
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
  // The store's lock is ours: what lies beside it is what a killed writer left.
  const tidied = await store.tidy(call)
  if (tidied.is !== 'done') return tidied
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const seen = await store.read(keys, call)
    if (seen.is !== 'done') return seen
    const foreign = foreignKey(scene, step, seen.value.entries)
    if (foreign !== undefined) return refused('STORE_EDITED', `${foreign} in ${planned.title}`)
    const entries = entriesFor(scene, step.store, valueOf(scene, step.which), seen.value.entries)
    if (holds(seen.value.entries, entries)) return done({ keys: keys.length, already: true })
    const written = await store.write(entries, seen.value.revision, call)
    if (written.is === 'done') return done({ keys: keys.length, tries: attempt })
    if (written.is === 'ask' || written.code !== 'CONFLICT') return written
  }
  return refused('CONFLICT', planned.title)
}

/** Reads back: true when every key of ours holds this credential. */
export async function lookForPublish(scene: Scene, step: PublishStep, call: Call): Promise<Answer<boolean>> {
  const store = scene.cast.stores[step.store]
  if (store === undefined) return refused('INTERNAL', 'no such store')
  const tidied = await store.tidy(call)
  if (tidied.is !== 'done') return unknown('STORE_DENIED', 'what a killed write left cannot be taken away')
  const seen = await store.read(Object.keys(scene.plan.stores[step.store]?.bind ?? {}), call)
  if (seen.is !== 'done') return seen
  return done(holds(seen.value.entries, entriesFor(scene, step.store, valueOf(scene, step.which), seen.value.entries)))
}

/** Whether the store holds exactly these entries. */
export function holds(seen: Entries, wanted: Readonly<Record<string, Secret>>): boolean {
  return Object.entries(wanted).every(([key, value]) => value.equals(seen[key]))
}

/** The first of our keys that holds neither of the two credentials. */
function foreignKey(scene: Scene, step: PublishStep, entries: Entries): string | undefined {
  const known = [scene.values.old, scene.values.new].filter((each) => each !== undefined)
  const names = Object.keys(scene.plan.traits.fields)
  for (const [key, binding] of Object.entries(scene.plan.stores[step.store]?.bind ?? {})) {
    const value = entries[key]
    // A key that is not there yet is ours to add: nobody's value is lost.
    if (value === undefined) continue
    const fields = readBinding(binding, value, names)
    if (fields === undefined || !known.some((credential) => sameFields(fields, credential.fields))) return key
  }
  return undefined
}

/** Whether every field that was read is the same as the credential's. */
export function sameFields(read: Fields, of: Fields): boolean {
  return Object.entries(read).every(([name, value]) => value.equals(of[name]))
}
