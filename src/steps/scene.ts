import { type Answer, type Call, type Credential, type Evidence, KeyturnError, type Presented, type Secret } from '../kit/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { Shown, Which } from '../plan/step.ts'
import { isDual } from '../plan/steps.ts'
import type { Cast } from './cast.ts'
import type { Keeper } from './snapshot.ts'
import type { Progress } from '../journal/progress.ts'
import { entriesFor, presentOf } from './entries.ts'

/** What an action is given: the plan, what it touches, the values, the time. Made afresh for every step. */
export interface Scene {
  /** Its id. */
  readonly rotation: string
  readonly plan: Plan
  readonly cast: Cast
  readonly progress: Progress
  /** The credentials that are known by now; the old one from preflight on, the new one from the mint's intent on. What an emergency inherited has the names of its plan. */
  readonly values: { readonly new?: Credential; readonly old?: Credential; readonly inherited?: ReadonlyMap<string, Credential> }
  /** Keyed fingerprint of a credential's secret fields. */
  fingerprint(credential: Credential): string
  readonly now: () => number
  /** Waits, or returns early when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Where the snapshot of what is changed goes; absent for looks that are no part of a rotation. */
  readonly kept?: Keeper
  /** The stores and consumers that the manifest names now; absent when there is no manifest at hand. */
  readonly manifestKeys?: readonly string[]
  /** There is a manifest at hand, and it no longer has the secret. */
  readonly outOfManifest?: boolean
}

/**
 * An action's answer; `held` is a gate's or a watch's: nothing is wrong, but it is not time. `stale`: an instance presented another
 * credential than the one that stays; `again`: when to look again, unix ms, where that is known.
 */
export type Outcome = Answer<Evidence> | { readonly is: 'held'; readonly reasons: readonly string[]; readonly stale?: boolean; readonly again?: number }

/** The credential, or INTERNAL: a step that needs one comes after the step that made it. */
export function valueOf(scene: Scene, which: Which): Credential {
  const credential = scene.values[which]
  if (credential === undefined) throw new KeyturnError('INTERNAL', `the ${which} credential is not known at this step`)
  return credential
}

/** What consumers see of what is shown: fields, and the entries of every readable store. A store that does not answer adds none. */
export async function presentedAs(scene: Scene, shown: Shown, call: Call): Promise<Presented | undefined> {
  const credential = scene.values[shown.which]
  const beside = shown.beside === undefined ? undefined : scene.values[shown.beside]
  if (credential === undefined || (shown.beside !== undefined && beside === undefined)) return undefined
  const entries: Record<string, Secret> = {}
  for (const [index, store] of scene.cast.stores.entries()) {
    const seen = await store.read(Object.keys(scene.plan.stores[index]?.bind ?? {}), call)
    if (seen.is === 'done') Object.assign(entries, presentOf(entriesFor(scene, index, shown, seen.value.entries)))
  }
  return { fields: credential.fields, entries, ...(isDual(scene.plan) ? { others: beside === undefined ? [] : [beside.fields] } : {}) }
}
