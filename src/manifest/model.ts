import type { Ms, Strategy } from '../kit/index.ts'
import type { Route } from '../telling/route.ts'
import type { Schedule, SecretSchedule } from './schedule.ts'

/** A place in a manifest, 1-based, for messages. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A validated `use:` block: the connector and its own configuration, without the keys that belong to the engine. */
export interface Used {
  readonly use: string
  readonly config: Readonly<Record<string, unknown>>
  readonly place: Place
}

/**
 * How a field sits in a store: `template` renders the whole value (`postgres://{user}:{password}@db/app`, where fields inside a
 * URL are percent-encoded), `url` replaces only user and password of the URL that is there and keeps every other byte.
 */
export type Binding = ({ readonly template: string } | { readonly url: { readonly user?: string; readonly password: string } }) & { readonly slot?: Slot; readonly empty?: true }

/**
 * What a key of a store holds, where that is not the credential that is presented. `previous`: the other one while both are accepted;
 * `new`, `old`: that one while both are; `jwks`: a JSON Web Key Set of both, the presented one first. At rest the key is not there, or
 * with `empty` it holds nothing; a key set then has one key.
 */
export type Slot = 'previous' | 'new' | 'old' | 'jwks'

export interface StoreSpec extends Used {
  /** By key of the store. Never empty. */
  readonly bind: Readonly<Record<string, Binding>>
}

export interface ConsumerSpec extends Used {
  /** Replaces the consumer's own attest. `use: issuer` is the engine's: the issuer's session list tells credentials apart. */
  readonly attest?: Used
  /** So long nothing else is reloaded after it. */
  readonly pause?: Ms
}

export interface CheckSpec extends Used {
  /** Run with the new credential; the check must be able to take one. */
  readonly as?: 'new'
  /** How long to look again before a fail is a fail. */
  readonly within: Ms
  /** How long after the first change it has to go on passing; absent when passing once is enough. */
  readonly for?: Ms
  /** It stands behind this wave and has to pass before the next one; absent: it has to pass after all of them. */
  readonly after?: number
}

export interface Timing {
  /** Between presented everywhere and the gate. */
  readonly grace: Ms
  /** How long the old credential must be seen unused, and how often it is looked at. */
  readonly quiet: Ms
  readonly quietEvery: Ms
  /** How long an old credential stays off, restorable, before it is gone. */
  readonly undo: Ms
  /** One effect. */
  readonly deadline: Ms
  /** One consumer's reload until every instance attests. */
  readonly ready: Ms
  /** How long the sealed snapshot is kept after the end of the rotation; none is taken with 0. Thirty days when absent. */
  readonly snapshots?: Ms
  /** With dual-key: how long what a key signed is shown at most, and how long verifiers keep the keys that they fetched. */
  readonly tokens?: { readonly life: Ms; readonly cache: Ms }
}

export type Lifecycle = 'active' | 'future' | 'legacy' | 'static'
export type Environment = 'development' | 'staging' | 'production'

export interface SecretSpec {
  readonly name: string
  readonly place: Place
  readonly owner?: string
  readonly lifecycle: Lifecycle
  /** As written: `90d`, `quarterly`, `annually`, `never`, or a cron expression of five fields. */
  readonly every?: string
  /** What else makes it due: `compromise`, `expiry`, `provider-change`, or the name of another secret. */
  readonly on?: readonly string[]
  /** By what it is chosen, several at once. */
  readonly tags?: readonly string[]
  /** How long a credential lives after its rotation, and how long before its end it is replaced. */
  readonly expires?: { readonly after?: Ms; readonly margin?: Ms }
  /** The notifiers that are told everything about it. */
  readonly notify?: readonly string[]
  /** Of what users will feel these notifiers are told so long before it begins by itself, and it does not begin earlier. */
  readonly notice?: { readonly before: Ms; readonly to: readonly string[] }
  /** What users feel, as written; `none` when nothing. */
  readonly impact: string
  readonly strategy: Strategy
  readonly issuer: Used
  readonly stores: readonly StoreSpec[]
  readonly waves: readonly (readonly ConsumerSpec[])[]
  readonly checks: readonly CheckSpec[]
  readonly timing: Timing
  readonly schedule?: SecretSchedule
}

/** A manifest as the rest of keyturn sees it: validated, defaults applied, every place known. */
export interface Manifest {
  readonly file: string
  /** The folder from which relative paths start. */
  readonly base: string
  readonly system: string
  readonly environment: Environment
  /** Absolute path of the state folder; or, as it is written, a text with references or a `postgres://` URL. */
  readonly state: string
  /** What seals values while they lie in the state; the identity by itself when absent. */
  readonly sealing?: Used
  readonly preflight: readonly CheckSpec[]
  readonly postflight: readonly CheckSpec[]
  readonly secrets: Readonly<Record<string, SecretSpec>>
  /** By name. Absent: nobody is told anything. */
  readonly notifiers?: Readonly<Record<string, Used>>
  /** Who else is told of what, and what to do about it (`routes` and `escalation`). */
  readonly routes?: readonly Route[]
  /** Absent: nothing begins by itself. */
  readonly schedule?: Schedule
}
