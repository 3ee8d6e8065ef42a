import type { Answer, Evidence } from './answer.ts'
import type { Call, Ms, ResourceKey } from './call.ts'
import type { Fields } from './secret.ts'
import type { Entries } from './store.ts'

/** One running copy of a consumer. `id` changes when it is replaced by another (a new process, a new pod). */
export interface Instance {
  readonly id: string
  /** The name that stays over restarts: `gateway-1`. */
  readonly name: string
  readonly ready: boolean
  /** Start time, unix ms, where it can be known. */
  readonly startedAt?: number
}

export interface ConsumerTraits {
  /** The best proof that its own `attest` can give; `none` when it has none and an attestor must be named. */
  readonly attest: Proof | 'none'
  /** What users feel during a reload: nothing (`graceful`), or a restart of each instance. */
  readonly reload: 'graceful' | 'restart'
  /** An estimate of one reload, until there are measurements. */
  readonly takes: Ms
  /** Whether a reload ends with the process that asks for it (a signal): then a dead owner's reload cannot land late. */
  readonly local?: boolean
  /** A person reloads it: the answer is then `ask`, and asking changes nothing outside. */
  readonly asks?: true
  /** Its instances are outside receivers, each of which is handed the value; `asks` as well. The word of each is its proof. */
  readonly receivers?: true
}

/**
 * How instances follow each other in a reload: one after another, so that some always serve, or all at once, where two halves with
 * different credentials would do harm (a hard cut).
 */
export type Pace = 'rolling' | 'at-once'

/** How it was proven what an instance holds, best first. Inferred alone never opens the gate. */
export type Proof = 'challenge' | 'issuer' | 'process' | 'inferred'

/** A credential as consumers see it: its fields, and the entries rendered for the stores that the consumer reads. */
export interface Presented {
  readonly fields: Fields
  readonly entries: Entries
  /** What has to be accepted beside it, and nothing else; absent where the issuer accepts, so that instances know of one only. */
  readonly others?: readonly Fields[]
}

/** Which of the two an instance holds. `unseen` is not an answer: it could not be found out now. */
export interface Attestation {
  readonly holds: 'new' | 'old' | 'neither' | 'unseen'
  readonly by: Proof
  readonly evidence: Evidence
}

/** What uses a value and must pick it up. No method throws for what the outside does; it answers. */
export interface Consumer {
  readonly traits: ConsumerTraits
  /** Pure and canonical. */
  identity(): ResourceKey
  /** For plans and messages. */
  title(): string
  /** Whether `reload` could work. Changes nothing. */
  preflight(call: Call): Promise<Answer<{ readonly notices: readonly string[] }>>
  /** What runs now, listed afresh. */
  instances(call: Call): Promise<Answer<{ readonly all: readonly Instance[]; readonly complete: boolean }>>
  /**
   * Makes its instances read the stores again, at this pace; `rolling` when absent. May be repeated. Done means asked and ready
   * again; whether the value was taken is for `attest`. `without` are names that a person answers for: that one of them is not there
   * is no obstacle, and it is not brought back.
   */
  reload(call: Call, pace?: Pace, without?: readonly string[]): Promise<Answer<{ readonly evidence: Evidence }>>
  /** Which of the two credentials the instance holds, without showing either. */
  attest(instance: Instance, next: Presented, old: Presented | undefined, call: Call): Promise<Answer<Attestation>>
}

/** Attests for consumers of any kind, e.g. by a challenge over HTTP. Named under a consumer's `attest`. */
export interface Attestor {
  readonly proof: Proof
  attest(instance: Instance, next: Presented, old: Presented | undefined, call: Call): Promise<Answer<Attestation>>
}
