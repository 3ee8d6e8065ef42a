import { type Answer, ask, done, refused, unknown } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import type { Credential, CredentialState, Issuer, IssuerTraits, Observation } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { taskFrom } from '../../kit/task.ts'
import { type HttpResponse, isOneOf, type Matcher, openProbe, placeOf, type RequestConfig, send, type Values } from '../../outside/http/index.ts'
import { shapesOf } from '../../outside/shape.ts'
import { idOf, PENDING, propose } from './identity.ts'
import type { IssuerConfig } from './issuer-schema.ts'
import { outcomeOf } from './outcome.ts'
import { lookAhead } from './preflight.ts'
import { type MintedAt, readListed, readMinted } from './reading.ts'

/** What a person is asked where a state has no request, unless the manifest says it. */
const TITLES: Readonly<Record<CredentialState, string>> = {
  on: 'Turn {id} of {of} on again',
  off: 'Turn {id} of {of} off, and end its sessions',
  gone: 'End {id} of {of}',
}

/** An issuer whose every request the manifest describes. It knows nothing of the provider but what is declared there. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const { principal } = config
  const probing = openProbe(config.probe, config.fields, host)

  /** As the admin: what the answer means is declared. */
  const asAdmin = async (asked: RequestConfig & { readonly already?: readonly Matcher[] }, values: Values, call: Call): Promise<Answer<HttpResponse>> => {
    const answer = await send(asked, config.auth ?? {}, values, host, call)
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

  /** What the answer brought, with the id that its fields tell: another one would make two credentials of it later. */
  const take = (response: HttpResponse, at: MintedAt, about: string): Answer<Credential> => {
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
    if ('ask' in asked) return ask(taskFrom(state === 'on' ? 'confirm' : 'end', asked.ask, { title: TITLES[state].replace('{of}', principal), steps: [] }, { id }))
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
    endpoints: () => probing.endpoints,
    idOf: (fields) => idOf(config, fields),
    propose: (current) => propose(config, current),
    preflight: async (current, _next, call) => {
      if (call.signal.aborted) return refused('DEADLINE', principal)
      return lookAhead(config, current, { observe: () => observe(call), prove: () => probing.prove(current, call) })
    },
    observe,
    mint: async ({ credential, tag }, call) => {
      if ('ask' in config.mint) {
        if (call.signal.aborted) return refused('DEADLINE', principal)
        return ask({ ...taskFrom('mint', config.mint.ask, { title: `Make a new credential of ${principal}`, steps: [] }, { tag }), fields: Object.keys(config.fields) })
      }
      const answer = await asAdmin(config.mint, { ...valuesOf(credential), tag: new Secret(tag) }, call)
      if (answer.is !== 'done') return answer
      const evidence = { status: answer.value.status }
      if (config.mint.answer === undefined) return done({ credential, evidence })
      const taken = take(answer.value, config.mint.answer, placeOf(config.mint.url))
      return taken.is === 'done' ? done({ credential: taken.value, evidence }) : taken
    },
    ...(collect !== undefined && {
      collect: async (tag: string, call: Call) => {
        const answer = await send(collect, config.auth ?? {}, { tag: new Secret(tag) }, host, call)
        if (answer.is !== 'done') return answer
        const evidence = { status: answer.value.status }
        if (isOneOf(collect.pending, answer.value)) return done({ evidence })
        const outcome = outcomeOf(answer.value, { refusals: config.refusals }, placeOf(collect.url))
        if (outcome.is !== 'done') return outcome
        const taken = take(outcome.value, collect.answer, placeOf(collect.url))
        return taken.is === 'done' ? done({ credential: taken.value, evidence }) : taken
      },
    }),
    probe: probing.probe,
    set,
    // Every request has a connection of its own.
    close: async () => undefined,
  }
}

function valuesOf({ id, fields }: Credential): Values {
  return { ...fields, id: new Secret(id) }
}

function traitsOf({ traits, fields, shape, mint: minting, off, on, gone }: IssuerConfig): IssuerTraits {
  const { value, mint, acceptor, locate, slots = 1, settle, derivedLife, lockout } = traits
  const asks = Object.entries({ mint: minting, on, off, gone }).flatMap(([name, asked]) => (asked !== undefined && 'ask' in asked ? [name as 'mint' | CredentialState] : []))
  return {
    value,
    mint,
    acceptor,
    locate,
    slots,
    settle: durationOf(settle),
    ends: [...(off === undefined ? [] : ['off' as const]), ...(gone === undefined ? [] : ['gone' as const])],
    fields,
    ...shapesOf(shape, fields),
    ...(lockout === undefined ? {} : { lockout }),
    ...(derivedLife === undefined ? {} : { derivedLife: durationOf(derivedLife) }),
    ...(asks.length === 0 ? {} : { asks }),
  }
}
