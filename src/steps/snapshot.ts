import { type Answer, type Call, type Credential, done, type Entries, type Issuer, type Ms, type ResourceKey, Secret } from '../kit/index.ts'
import type { Timing } from '../manifest/model.ts'
import type { Plan } from '../plan/plan.ts'
import type { Entry } from '../state/journal.ts'
import { readCurrent } from './current.ts'
import { entriesFor, presentOf } from './entries.ts'
import { type Scene, valueOf } from './scene.ts'

/** So long a snapshot is kept when the manifest does not say it. */
export const SNAPSHOTS_MS: Ms = 30 * 86_400_000

/** The type of the note that is written together with a snapshot. */
export const KEPT = 'snapshot-kept'

/** What a rotation changes in one store: exactly the keys that are bound, no others. */
export interface StoreSnapshot {
  readonly store: ResourceKey
  readonly title: string
  /** A key that was not there is absent. */
  readonly before: Entries
  readonly after: Entries
}

/** Everything that a rotation changes in stores, before and after, by store in the plan's order. */
export type Snapshot = readonly StoreSnapshot[]

/** Where the snapshot of one rotation goes. */
export interface Keeper {
  /** Whether there is one already. */
  isKept(): Promise<boolean>
  /** Seals it and writes it down together with the note, durably. What is there already stays. Throws what keeps it from that. */
  keep(text: string, note: Entry): Promise<void>
}

/** How long the snapshot of a rotation is kept after its end; 0 when none is taken. */
export function snapshotLife({ snapshots = SNAPSHOTS_MS }: Timing): Ms {
  return snapshots
}

/**
 * Before the first change of a rotation, on the way forward: what its stores hold, and what they will, is kept for people. To be called
 * before every effect that could be the first; nothing is read again once it is kept. Throws what keeps the sealer or the state from it.
 */
export async function keepSnapshot(scene: Scene, call: Call): Promise<Answer<void>> {
  const { kept, plan, progress } = scene
  if (kept === undefined || progress.direction === 'back' || snapshotLife(plan.timing) === 0 || (await kept.isKept())) return done(undefined)
  const snapshot: StoreSnapshot[] = []
  for (const [index, store] of scene.cast.stores.entries()) {
    const seen = await store.read(Object.keys(plan.stores[index]?.bind ?? {}), call)
    if (seen.is !== 'done') return seen
    const { key = '', title = '' } = plan.stores[index] ?? {}
    snapshot.push({ store: key, title, before: seen.value.entries, after: presentOf(entriesFor(scene, index, { which: 'new' }, seen.value.entries)) })
  }
  await kept.keep(snapshotText(snapshot), noteOf(scene, snapshot))
  return done(undefined)
}

function noteOf(scene: Scene, snapshot: Snapshot): Entry {
  const { plan, rotation, now } = scene
  const name = (credential: Credential): object => ({ credential: credential.id, fingerprint: scene.fingerprint(credential) })
  const stores = snapshot.map(({ title, before, after }) => ({ title, keys: [...new Set([...Object.keys(before), ...Object.keys(after)])] }))
  const { system, environment, secret } = plan
  return { type: KEPT, at: now(), body: { system, environment, secret, rotation, stores, before: name(valueOf(scene, 'old')), after: name(valueOf(scene, 'new')), for: snapshotLife(plan.timing) } }
}

/** In the clear: only to be sealed, or handed to a person who asks for it. */
export function snapshotText(snapshot: Snapshot): string {
  const plain = (entries: Entries): Record<string, string> => Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, value.reveal()]))
  return JSON.stringify(snapshot.map((each) => ({ ...each, before: plain(each.before), after: plain(each.after) })))
}

/** The inverse of {@link snapshotText}. */
export function readSnapshot(text: string): Snapshot {
  const read = JSON.parse(text) as readonly { readonly store: string; readonly title: string; readonly before: Record<string, string>; readonly after: Record<string, string> }[]
  const hidden = (entries: Record<string, string>): Entries => Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, new Secret(value)]))
  return read.map((each) => ({ ...each, before: hidden(each.before), after: hidden(each.after) }))
}

/** The credential that the stores held before or after; undefined when the entries are none of this issuer's. Nothing outside is touched. */
export async function credentialIn(snapshot: Snapshot, side: 'before' | 'after', plan: Pick<Plan, 'stores'>, issuer: Issuer, call: Call): Promise<Credential | undefined> {
  const traits = { read: 'value', cas: true } as const
  const stores = snapshot.map((each) => ({ traits, title: () => each.title, read: async () => done({ entries: each[side], revision: '' }) }))
  const read = await readCurrent({ issuer, stores }, plan.stores, call)
  return read.is === 'done' ? read.value : undefined
}
