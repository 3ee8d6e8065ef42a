import { foldProgress } from '../journal/progress.ts'
import { type Credential, generate, ALNUM, type IssuerTraits, Secret } from '../kit/index.ts'
import type { Manifest, SecretSpec } from '../manifest/model.ts'
import { makePlan } from '../plan/make.ts'
import type { Cast } from './cast.ts'
import type { Scene } from './scene.ts'
import { plainFields } from './values.ts'
import { imagineWorld } from './world.ts'

/** What a scene needs of an engine. */
export type Stage = Pick<Scene, 'now' | 'sleep'>

/**
 * The scene of a rotation that would begin now, with the credential in use as its old one: for looks that are no part of a rotation.
 * Nothing is touched by making it.
 */
export function standingScene(stage: Stage, manifest: Manifest, secret: SecretSpec, cast: Cast, old: Credential): Scene {
  const plan = makePlan(manifest, secret, imagineWorld(cast, secret))
  const progress = foldProgress([{ type: 'rotation-opened', at: stage.now(), rotation: '', plan, version: '', by: '', reason: '' }])
  return { ...stage, rotation: '', plan, cast, progress, values: { old }, fingerprint: () => '' }
}

/**
 * The same credential with a wrong value in each secret field: what an acceptor has to reject before its word counts (I12, C-05).
 * Pure apart from randomness.
 */
export function wrongOf(credential: Credential, traits: Pick<IssuerTraits, 'fields'>): Credential {
  const plain = plainFields(traits.fields)
  const fields = Object.entries(credential.fields).map(([name, value]) => [name, plain.has(name) ? value : new Secret(generate(ALNUM, 40))] as const)
  return { id: credential.id, fields: Object.fromEntries(fields) }
}

/** So many wrong logins are left to others where the provider locks an account: a person who mistypes, an old instance. */
const SPARED = 2

/** How many wrong logins a look may make in all, so that proving never locks an account out (I12). */
export function wrongBudget({ lockout }: Pick<IssuerTraits, 'lockout'>): number {
  return lockout === undefined ? Infinity : Math.max(0, lockout - SPARED)
}
