import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import type { Secret } from './secret.ts'

/**
 * What a reference is opened with. It is less than a connector's `Host`: there is no way to resolve another reference, so nothing
 * that one brings in is resolved again.
 */
export interface Surroundings {
  /** The folder from which relative paths start: the manifest's. */
  readonly base: string
  /** The environment that keyturn was started with. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Tells people what they should know and what is no reason to stop, in keyturn's own words. May be told again at every use. */
  notice(text: string): void
}

/**
 * Resolves what stands as `${scheme:name}` in a manifest, at the moment of use. The scheme is the id of its connector; which names
 * it takes is said by the schema under `families.reference` of the descriptor, so that a wrong one is found before anything is
 * done. Keeps nothing between two calls: the next one may bring another value. No method throws for what the outside does; it
 * answers.
 */
export interface Reference {
  /** What messages show in the name's place: the name itself, unless a part of it may be private. Pure. */
  title(name: string): string
  /**
   * Brings the value in; changes nothing, so that every failure is without effect for who asked. `refused` REFERENCE_UNRESOLVED when
   * there is no value, or an empty one; `unknown` when it got no answer before the deadline. `about` says why, without the name
   * and without anything of what was brought in.
   */
  resolve(name: string, call: Pick<Call, 'signal' | 'deadline'>): Promise<Answer<Secret>>
}
