import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import type { HttpResponse } from '../../kit/http/index.ts'
import type { Credential, CredentialState, Issuer, IssuerTraits, Observation, Verdict } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { ask } from './ask.ts'
import { idOf, PENDING, propose } from './identity.ts'
import type { IssuerConfig } from './issuer-schema.ts'
import { isOneOf, type Matcher } from './matcher.ts'
import { outcomeOf } from './outcome.ts'
import { lookAhead } from './preflight.ts'
import { readListed, readMinted } from './reading.ts'
import { placeOf, type RequestConfig } from './request.ts'
import type { Values } from './template.ts'

/** What plans call the place where the value is accepted when only consumers can tell. */
const CONSUMERS = 'consumers'

/** An issuer whose every request the manifest describes. It knows nothing of the provider but what is declared there. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const { principal } = config
  const urls = new Map([config.probe?.url ?? []].flat().map((url) => [placeOf(url), url]))
  const endpoints = urls.size === 0 ? [CONSUMERS] : [...urls.keys()]

  /** As the admin: what the answer means is declared. */
  const asAdmin = async (asked: RequestConfig & { readonly already?: readonly Matcher[] }, values: Values, call: Call): Promise<Answer<HttpResponse>> => {
    const answer = await ask(asked, config.auth ?? {}, values, host, call)
    return answer.is === 'done' ? outcomeOf(answer.value, { already: asked.already, refusals: config.refusals }, placeOf(asked.url)) : answer
  }

  const observe = async (call: Call): Promise<Answer<Observation>> => {
    if (config.list === undefined) {
      if (call.signal.aborted) return refused('DEADLINE', principal)
      return done({ known: [], complete: false, seenUpTo: 0 })
    }
    const answer = await asAdmin(config.list, {}, call)
    return answer.is === 'done' ? readListed(answer.value, config.list, principal, host.now(), placeOf(config.list.url)) : answer
  }

  const probe = async (credential: Credential, endpoint: string, call: Call): Promise<Answer<Verdict>> => {
    if (call.signal.aborted) return refused('DEADLINE', endpoint)
    const url = urls.get(endpoint)
    if (config.probe === undefined || url === undefined) return done({ verdict: 'inconclusive', code: CONSUMERS })
    const answer = await ask({ ...config.probe, url }, {}, valuesOf(credential), host, call)
    if (answer.is !== 'done') return answer
    const { accepted, rejected } = config.probe
    const verdict = isOneOf(rejected, answer.value) ? 'rejected' : isOneOf(accepted, answer.value) ? 'accepted' : 'inconclusive'
    return done({ verdict, code: String(answer.value.status) })
  }

  /** What the answer brought, with the id that its fields tell: another one would make two credentials of it later. */
  const take = (response: HttpResponse, at: NonNullable<IssuerConfig['mint']['answer']>, about: string): Answer<Credential> => {
    const read = readMinted(response, at, about)
    if (read.is !== 'done') return read
    const named = 'id' in config.fields && read.value.id !== undefined ? { id: new Secret(read.value.id) } : {}
    const fields = { ...named, ...read.value.fields }
    for (const [name, value] of Object.entries(fields)) if (config.fields[name] === 'secret') host.conceal(value)
    const id = idOf(config, fields)
    if (id === undefined || (at.id !== undefined && id !== read.value.id)) return unknown('RESPONSE_UNFIT', `${about} answers another id than its fields tell`)
    return done({ id, fields })
  }

  const set = async (id: string, state: CredentialState, call: Call): Promise<Answer<{ readonly evidence: { readonly status?: number } }>> => {
    if (call.signal.aborted) return refused('DEADLINE', principal)
    const asked = config[state]
    if (asked === undefined) return state === 'on' ? isOn(id, call) : refused('NOT_NOW', `${principal} has no ${state}`)
    if (id === PENDING) return state === 'gone' ? done({ evidence: {} }) : refused('PRINCIPAL_MISSING', 'a credential that was never made')
    const answer = await asAdmin(asked, { id: new Secret(id) }, call)
    return answer.is === 'done' ? done({ evidence: { status: answer.value.status } }) : answer
  }

  /** Where nothing turns a credential off, one that is there is on. */
  const isOn = async (id: string, call: Call): Promise<Answer<{ readonly evidence: { readonly status?: number } }>> => {
    const seen = await observe(call)
    if (seen.is !== 'done') return seen
    const missing = seen.value.complete && !seen.value.known.some((known) => known.id === id && known.state === 'on')
    return missing ? refused('NOT_NOW', `${principal} cannot turn a credential on again`) : done({ evidence: {} })
  }

  const { collect } = config
  return {
    traits: traitsOf(config),
    identity: () => resourceKey('principal', 'webhook', principal),
    endpoints: () => endpoints,
    idOf: (fields) => idOf(config, fields),
    propose: (current) => propose(config, current),
    preflight: async (current, _next, call) => {
      if (call.signal.aborted) return refused('DEADLINE', principal)
      return lookAhead(config, current, { endpoints, observe: () => observe(call), probe: (credential, endpoint) => probe(credential, endpoint, call) })
    },
    observe,
    mint: async ({ credential, tag }, call) => {
      const answer = await asAdmin(config.mint, { ...valuesOf(credential), tag: new Secret(tag) }, call)
      if (answer.is !== 'done') return answer
      const evidence = { status: answer.value.status }
      if (config.mint.answer === undefined) return done({ credential, evidence })
      const taken = take(answer.value, config.mint.answer, placeOf(config.mint.url))
      return taken.is === 'done' ? done({ credential: taken.value, evidence }) : taken
    },
    ...(collect !== undefined && {
      collect: async (tag: string, call: Call) => {
        const answer = await ask(collect, config.auth ?? {}, { tag: new Secret(tag) }, host, call)
        if (answer.is !== 'done') return answer
        const evidence = { status: answer.value.status }
        if (isOneOf(collect.pending, answer.value)) return done({ evidence })
        const outcome = outcomeOf(answer.value, { refusals: config.refusals }, placeOf(collect.url))
        if (outcome.is !== 'done') return outcome
        const taken = take(outcome.value, collect.answer, placeOf(collect.url))
        return taken.is === 'done' ? done({ credential: taken.value, evidence }) : taken
      },
    }),
    probe,
    set,
    // Every request has a connection of its own.
    close: async () => undefined,
  }
}

function valuesOf({ id, fields }: Credential): Values {
  return { ...fields, id: new Secret(id) }
}

function traitsOf({ traits, fields, off, gone }: IssuerConfig): IssuerTraits {
  const { value, mint, acceptor, locate, slots = 1, settle, derivedLife, lockout } = traits
  return {
    value,
    mint,
    acceptor,
    locate,
    slots,
    settle: durationOf(settle),
    ends: [...(off === undefined ? [] : ['off' as const]), ...(gone === undefined ? [] : ['gone' as const])],
    fields,
    ...(lockout === undefined ? {} : { lockout }),
    ...(derivedLife === undefined ? {} : { derivedLife: durationOf(derivedLife) }),
  }
}
