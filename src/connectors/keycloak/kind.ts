import type { Answer, Credential, CredentialState, Evidence, Fields, IssuerTraits, MintIntent, Observation, Verdict } from '../../kit/index.ts'
import type { Call } from '../../kit/call.ts'
import type { Issuer } from '../../kit/issuer.ts'
import type { Api, Work } from './api.ts'

/** What of a realm can be rotated: the secret of a client, the password of a user, its signing keys. Methods are as those of {@link Issuer}. */
export interface Kind {
  /** In names and keys: `['client', 'bff']`. */
  readonly principal: readonly string[]
  readonly traits: IssuerTraits
  idOf(fields: Fields): string | undefined
  propose(current: Credential): Credential
  /** One of the same form that nobody has. */
  wrong(current: Credential): Credential
  /** Whether mint and set would work; changes nothing. `notices` are for a reviewer. */
  ahead(api: Api, current: Credential): Promise<Answer<{ readonly evidence: Evidence; readonly notices: readonly string[] }>>
  observe(api: Api): Promise<Answer<Observation>>
  mint(api: Api, intent: MintIntent, call: Call): Promise<Answer<{ readonly credential: Credential; readonly evidence: Evidence }>>
  /** `base` is where it is shown, `asAdmin` for what only an admin can tell. */
  probe(credential: Credential, base: string, asAdmin: <T>(work: Work<T>) => Promise<Answer<T>>, call: Call): Promise<Answer<Verdict>>
  set(api: Api, id: string, state: CredentialState): ReturnType<Issuer['set']>
}
