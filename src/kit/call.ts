import type { Secret } from './secret.ts'

/** What every call to the outside is given. Nothing may outlive the deadline: sockets die at it, children are ended at it. */
export interface Call {
  /** Aborts at the deadline. */
  readonly signal: AbortSignal
  /** Unix time in milliseconds. */
  readonly deadline: number
  /**
   * Grows with every owner of the rotation. Where the target can compare (a per-role setting, a compare-and-set), an effect with
   * a smaller one than was seen before is refused with FENCED.
   */
  readonly fence: number
  /** The path of the lock that children of an effect inherit, so that a successor waits for them (I10). Absent for looks. */
  readonly lock?: string
}

/** What a connector is opened with: its ways to the surroundings. It keeps no other state than what it opens. */
export interface Host {
  /** The folder from which relative paths start: the manifest's. */
  readonly base: string
  /** Unix time in milliseconds. */
  now(): number
  /** Variables that every command gets beside its own: `SECRET_COMPROMISED=true` in an emergency. None when absent. */
  readonly env?: Readonly<Record<string, string>>
  /**
   * Resolves the references in a text, such as `${env:PG_ADMIN_URL}`, at the moment of use and before the call's deadline (ten
   * seconds without one); a text without a reference comes back as it is. Throws a KeyturnError, mostly REFERENCE_UNRESOLVED, that
   * names the reference: nothing was done by then, so whoever was about to do something answers `refused` with its code.
   */
  resolve(text: string, call?: Pick<Call, 'signal' | 'deadline'>): Promise<Secret>
  /** From now on this value is masked in every output of this process. */
  conceal(secret: Secret): void
}

/** The canonical name of a principal, a store or a consumer: what locks are held on. Two manifests that name one thing get one key. */
export type ResourceKey = string

/** Milliseconds. */
export type Ms = number

/** A stable key: `kind:part/part`, each part percent-encoded. */
export function resourceKey(kind: 'principal' | 'store' | 'consumer', ...parts: readonly string[]): ResourceKey {
  return `${kind}:${parts.map((part) => encodeURIComponent(part)).join('/')}`
}
