import type { Answer, Evidence } from './answer.ts'
import type { Call, Ms, ResourceKey } from './call.ts'
import type { Fields } from './secret.ts'

/** Where a credential stands at the provider: usable, refused but restorable, or ended for good. */
export type CredentialState = 'on' | 'off' | 'gone'

/** One version of a secret. */
export interface Credential {
  /** The provider's own name for it: a role, a key id. Not secret. */
  readonly id: string
  readonly fields: Fields
}

export interface IssuerTraits {
  /** `chosen`: we make the value and may apply it again; `made`: the provider answers with it once. */
  readonly value: 'chosen' | 'made'
  /** `adds`: old and new are accepted side by side; `replaces`: one slot; `triggers`: the provider does it in its own time. */
  readonly mint: 'adds' | 'replaces' | 'triggers'
  /** Who checks the credential: the issuer, or (for values that we make) the consumers, which then are its only proof. */
  readonly acceptor: 'issuer' | 'consumers'
  /** How a credential whose mint got no answer is found again. */
  readonly locate: 'value' | 'tag' | 'baseline' | 'none'
  /** How many credentials can be on at once. */
  readonly slots: number
  /** How long after a deadline a late effect may still land. */
  readonly settle: Ms
  /** The states that `set` can bring about, beside `on`. Empty for an issuer with one slot: the next mint ends the old one. */
  readonly ends: readonly ('off' | 'gone')[]
  /** The names of the credential's fields; `plain` ones (a user name) are no secret. */
  readonly fields: Readonly<Record<string, 'secret' | 'plain'>>
  /** By field: what its values are like, lengths in characters, `pattern` of the whole; what a person hands in is held to it. */
  readonly shapes?: Readonly<Record<string, { readonly prefix?: string; readonly min?: number; readonly max?: number; readonly pattern?: string }>>
  /** Wrong logins after which the provider locks the account; absent when it never does. */
  readonly lockout?: number
  /** How long access derived from the credential (a token, a session) lives on after it is gone, where off does not end it. */
  readonly derivedLife?: Ms
  /**
   * What only a person can do: the answer is then `ask`, and asking changes nothing outside. Absent: nothing. Such a mint is of a
   * `made` value that `adds` or `replaces`.
   */
  readonly asks?: readonly ('mint' | 'on' | 'off' | 'gone')[]
}

/** One session or client that uses a credential now. */
export interface Use {
  /** `application@address`, a label. */
  readonly by: string
  readonly count: number
}

/** One credential as the issuer lists it. */
export interface Known {
  readonly id: string
  readonly state: CredentialState
  /** Sessions of others than keyturn itself. */
  readonly uses: readonly Use[]
  /** The attempt that made it, where the issuer keeps tags. */
  readonly tag?: string
  /** When it ends by itself, unix ms; absent when it does not, or the issuer does not say. */
  readonly expiresAt?: number
}

export interface Observation {
  /** Those of this principal, keyturn's companions included. */
  readonly known: readonly Known[]
  /** Whether an id that is missing from `known` certainly does not exist. */
  readonly complete: boolean
  /** Up to when uses were seen, unix ms by the issuer's clock. */
  readonly seenUpTo: number
  /** The issuer's clock, unix ms; absent when it shows none. */
  readonly clock?: number
}

export interface Preflight {
  /** What the plan and the journal may say about it: names of roles, counts, versions. */
  readonly evidence: Evidence
  /** Whether an effect with an older fence is refused by the target itself. */
  readonly fenced: boolean
  /** Things that a reviewer must know, in keyturn's own words. */
  readonly notices: readonly string[]
  /** The principal's canonical name where only the provider knows it (which server an address leads to); else `identity()` is it. */
  readonly principal?: ResourceKey
}

export interface Verdict {
  /** `rejected` is an authentication verdict and nothing else: a full server or a missing database is `inconclusive`. */
  readonly verdict: 'accepted' | 'rejected' | 'inconclusive'
  /** The server's own code for it, e.g. an SQLSTATE or an HTTP status. */
  readonly code: string
}

export interface MintIntent {
  /** For a `chosen` value: what to apply. */
  readonly credential: Credential
  /** Unique to this attempt; kept at the provider where it keeps tags. */
  readonly tag: string
}

/**
 * What makes and ends credentials. Every method may be called again at any time, after any crash, by any process.
 * No method throws for what the outside does; it answers.
 */
export interface Issuer {
  readonly traits: IssuerTraits
  /** Pure and canonical: two manifests that name one principal get one key. */
  identity(): ResourceKey
  /** The places that accept a credential, each of which is probed and proven by itself. Never empty. */
  endpoints(): readonly string[]
  /** Which credential of this principal has these fields. Pure. Undefined when the fields belong to another principal. */
  idOf(fields: Fields): string | undefined
  /** The same with those that follow from them (of a private key its public one). Pure; absent where none does. */
  complete?(fields: Fields): Fields
  /**
   * The credential to mint when `current` is in use: its id, and for a `chosen` value its fields with a fresh random value. For a
   * `made` one nothing is known yet: a placeholder id that no credential has, and no fields. Pure apart from randomness: nothing
   * outside is touched.
   */
  propose(current: Credential): Credential
  /** Reads whether `mint` and `set` would work: admin accepted, rights, room, the idle principal really idle. Changes nothing. */
  preflight(current: Credential, next: string, call: Call): Promise<Answer<Preflight>>
  /** Reads what exists and who uses it. */
  observe(call: Call): Promise<Answer<Observation>>
  /**
   * Makes the credential accepted. With a `chosen` value it may be repeated and ends in the same state. Answers when the
   * provider has it durably. Refuses with FENCED when a newer fence was there, where the target can compare.
   *
   * With `mint: 'triggers'` it only starts the provider's own rotation and answers done with the intent's credential, the
   * placeholder of `propose`; `collect` brings the real one. Repeating it with the same tag starts no second rotation.
   */
  mint(intent: MintIntent, call: Call): Promise<Answer<{ readonly credential: Credential; readonly evidence: Evidence }>>
  /**
   * There with `mint: 'triggers'` only: looks whether the rotation that `mint` started under this tag is finished, and takes the
   * credential that it brought. `credential` is absent while it is not. Starts nothing; may be repeated by any process, and
   * answers with the same credential for as long as the provider shows it. Refused when the provider knows no rotation of this tag.
   */
  collect?(tag: string, call: Call): Promise<Answer<{ readonly credential?: Credential; readonly evidence: Evidence }>>
  /** A fresh login with this credential at one endpoint; leaves nothing open. */
  probe(credential: Credential, endpoint: string, call: Call): Promise<Answer<Verdict>>
  /**
   * Brings the credential into a state. Idempotent; one that is absent satisfies `gone`. `off` also ends its open sessions and
   * answers done only when none was seen afterwards. `credential` is the one with this id where it is known: for a provider that is
   * told which one by its value.
   */
  set(id: string, state: CredentialState, call: Call, credential?: Credential): Promise<Answer<{ readonly evidence: Evidence }>>
  /** Ends connections and the like. */
  close(): Promise<void>
}
