import type { CheckSpec, ConsumerSpec, Environment, StoreSpec, Timing, Used } from '../manifest/model.ts'
import type { Evidence, IssuerTraits, Ms, ResourceKey, Strategy } from '../kit/index.ts'
import type { Step } from './step.ts'

/** A store as the plan has it. */
export interface PlannedStore extends StoreSpec {
  readonly key: ResourceKey
  readonly title: string
}

/** A consumer as the plan has it. */
export interface PlannedConsumer extends ConsumerSpec {
  readonly key: ResourceKey
  readonly title: string
  /** Names of its instances when the plan was made. */
  readonly instances: readonly string[]
  /** The proof that each instance gives, best first: challenge, issuer, process, inferred, none. */
  readonly proof: string
  readonly reload: 'graceful' | 'restart'
}

/** A check as the plan has it. */
export interface PlannedCheck extends CheckSpec {
  readonly title?: string
}

/**
 * A rotation as data: everything that is needed to carry it out or to take it back, without a value in it. The engine runs
 * from the plan that is embedded in the journal, never from a manifest that may have changed since.
 */
export interface Plan {
  readonly format: 1
  readonly system: string
  readonly environment: Environment
  readonly secret: string
  readonly owner?: string
  /** The folder from which relative paths of the manifest start. */
  readonly base: string
  readonly strategy: Strategy
  /** What seals its values; the identity by itself when absent. */
  readonly sealing?: Used
  readonly principal: ResourceKey
  readonly issuer: Used
  readonly endpoints: readonly string[]
  readonly traits: IssuerTraits
  /** The credential in use; absent in a plan that was made without looking. Fingerprint absent when there is no identity yet. */
  readonly current?: { readonly id: string; readonly fingerprint?: string }
  /** The credential that will be in use; absent in a plan that was made without looking, and where it has no name before it is made. */
  readonly next?: { readonly id: string }
  /** The rotation that this one takes back: `next` is what was in use before it. */
  readonly takesBack?: string
  readonly stores: readonly PlannedStore[]
  readonly waves: readonly (readonly PlannedConsumer[])[]
  readonly checks: readonly PlannedCheck[]
  readonly preflight: readonly PlannedCheck[]
  readonly postflight: readonly PlannedCheck[]
  readonly timing: Timing
  /** The way forward. */
  readonly steps: readonly Step[]
  /** The way back: the same algorithm with old and new swapped. */
  readonly back: readonly Step[]
  readonly summary: Summary
  /** What was seen of the world; a plan is carried out only while it is the same. */
  readonly preconditions: Preconditions
  /** Present when the secret is taken for compromised. */
  readonly emergency?: Emergency
}

/** The credential in use is ended as soon as that is possible, and with it all others of the secret. There is no way back. */
export interface Emergency {
  readonly order: 'forget-first' | 'mint-first'
  /** The record of it: what was asked, answered and proven. */
  readonly incident: string
  /** When somebody decided on it, unix ms: exposure is measured from then on. */
  readonly decidedAt: number
  /** The rotation whose place it took. */
  readonly supersedes?: string
  /** Live credentials beside the one in use, by their recorded ids. The value of one that has a `name` is sealed under it. */
  readonly inherits: readonly Inherited[]
  /** What their lost mints made is found by the tags of these rotations. */
  readonly tags: readonly string[]
  /** What was expected of either order before it began. */
  readonly estimates: Readonly<Record<'forget-first' | 'mint-first', { readonly outage: Ms; readonly exposure: Ms }>>
}

export interface Inherited {
  readonly id: string
  readonly fingerprint?: string
  readonly name?: string
}

/** What a reviewer needs to know before saying yes. */
export interface Summary {
  /** What users feel, as the manifest says it. */
  readonly impact: string
  /** How long new logins with the value in the stores are expected to fail; 0 with an overlap. */
  readonly gap: Ms
  /** Without the waits. */
  readonly takes: Ms
  /** With the waits. */
  readonly until: Ms
  readonly slots: { readonly needed: number; readonly has: number }
  /** Whether the issuer itself refuses a late effect of an owner that was taken over; absent when it was not looked at. */
  readonly fenced?: boolean
  /** The id of the first step after which there is no way back; absent when there is always one. */
  readonly pointOfNoReturn?: string
  /** What a rollback cannot bring back. */
  readonly notRestored: readonly string[]
  readonly notices: readonly string[]
  readonly evidence: Evidence
}

export interface Preconditions {
  readonly current?: string
  /** By key of the store: the fingerprints of our entries, joined. */
  readonly stores: Readonly<Record<string, string>>
  readonly consumers: Readonly<Record<string, readonly string[]>>
}
