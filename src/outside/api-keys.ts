import { type Answer, done, label, refused, unknown } from '../kit/answer.ts'
import type { Call, ResourceKey } from '../kit/call.ts'
import type { Evidence } from '../kit/answer.ts'
import type { Credential, CredentialState, Issuer, IssuerTraits, Observation, Verdict } from '../kit/issuer.ts'
import type { Fields } from '../kit/secret.ts'
import { undone } from './http/admin.ts'
import { contradiction, probePair } from './probe-pair.ts'

/** The id of a key that is not made yet: no provider has one of that name. */
const PENDING = 'pending'

/** What one provider of API keys does differently. Methods are as those of {@link Issuer}; each may be called again at any time. */
export interface ApiKeys {
  readonly traits: IssuerTraits
  readonly principal: ResourceKey
  /** In messages: `the keys cell-atlas at ai.example:443`. */
  readonly about: string
  readonly endpoints: readonly string[]
  idOf(fields: Fields): string | undefined
  /** The keys of this principal. */
  list(call: Call): Promise<Answer<Observation>>
  /** Asks for one more, beside those that are there. */
  make(tag: string, call: Call): Promise<Answer<Credential>>
  /** Of a key that is there and in another state. */
  turn(id: string, state: CredentialState, call: Call): Promise<Answer<unknown>>
  show(credential: Credential, endpoint: string, call: Call): Promise<Answer<Verdict>>
  /** One of the same form that nobody has. */
  wrong(current: Credential): Credential
  /** For a reviewer, and what of the key in use stands against a rotation (`refused`). */
  ahead(current: Credential, call: Call): Promise<Answer<readonly string[]>>
}

/** The issuer of keys that a provider makes beside each other, each by itself turned off, on and gone as far as the traits say. */
export function issuerOfKeys(keys: ApiKeys): Issuer {
  const { traits, about } = keys
  const full = (on: number): Answer<never> =>
    refused('SLOTS_FULL', `${about}: ${on} of ${traits.slots} that may be there; end those that nobody uses, or raise \`slots\``, { on, slots: traits.slots })

  async function probe(credential: Credential, endpoint: string, call: Call): Promise<Answer<Verdict>> {
    if (!keys.endpoints.includes(endpoint)) return refused('USAGE', `there is no endpoint ${label(endpoint)}`)
    return call.signal.aborted ? refused('DEADLINE', endpoint) : keys.show(credential, endpoint, call)
  }

  async function set(id: string, state: CredentialState, call: Call): Promise<Answer<{ readonly evidence: Evidence }>> {
    if (call.signal.aborted) return refused('DEADLINE', about)
    if (state === 'off' && !traits.ends.includes('off')) return refused('NOT_NOW', `${about}: a key cannot be turned off for a time`)
    const seen = await keys.list(call)
    if (seen.is !== 'done') return undone(seen)
    const known = seen.value.known.find((one) => one.id === id)
    if (known === undefined && !seen.value.complete) return unknown('RESPONSE_UNFIT', `${about}: not all keys are listed`)
    if (known === undefined) return state === 'gone' ? done({ evidence: { absent: true } }) : refused('PRINCIPAL_MISSING', `${about}: there is no key ${label(id)}`)
    if (known.state === state) return done({ evidence: { absent: false } })
    const turned = await keys.turn(id, state, call)
    return turned.is === 'done' ? done({ evidence: { absent: false } }) : turned
  }

  return {
    traits,
    identity: () => keys.principal,
    endpoints: () => keys.endpoints,
    idOf: (fields) => keys.idOf(fields),
    propose: () => ({ id: PENDING, fields: {} }),
    async preflight(current, _next, call) {
      if (call.signal.aborted) return refused('DEADLINE', about)
      const seen = await keys.list(call)
      if (seen.is !== 'done') return seen
      const { known, complete } = seen.value
      if (!complete) return unknown('RESPONSE_UNFIT', `${about}: not all keys are listed`)
      const evidence = { on: known.length, slots: traits.slots }
      if (!known.some(({ id, state }) => id === current.id && state === 'on')) return refused('PRINCIPAL_MISSING', `the key in use is not among ${about} that are on`, evidence)
      if (known.length >= traits.slots) return full(known.length)
      const ahead = await keys.ahead(current, call)
      if (ahead.is !== 'done') return ahead
      const shown = { current, wrong: keys.wrong(current) }
      const unproven = await probePair(keys.endpoints, (which, endpoint) => probe(shown[which], endpoint, call), (verdict, endpoint) => contradiction(verdict, endpoint) ?? silent(verdict, endpoint))
      return unproven ?? done({ evidence, fenced: false, notices: [...ahead.value, `unfenced: the provider of ${about} cannot tell an older owner from a newer one`] })
    },
    async observe(call) {
      return call.signal.aborted ? refused('DEADLINE', about) : keys.list(call)
    },
    async mint({ tag }, call) {
      if (call.signal.aborted) return refused('DEADLINE', about)
      const seen = await keys.list(call)
      if (seen.is !== 'done') return undone(seen)
      if (seen.value.known.length >= traits.slots) return full(seen.value.known.length)
      const made = await keys.make(tag, call)
      return made.is === 'done' ? done({ credential: made.value, evidence: { on: seen.value.known.length + 1 } }) : made
    },
    probe,
    set,
    // Every request has a connection of its own.
    close: async () => undefined,
  }
}

/** No verdict, which the provider gives everybody who it does not reject. */
function silent({ code }: Verdict, endpoint: string): Answer<never> {
  return refused('PRECONDITION_FAILED', `${endpoint} gives no verdict on a key (${label(code)})`, { endpoint: label(endpoint), code: label(code) })
}
