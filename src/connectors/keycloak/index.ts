import { type Answer, done, label, refused, unknown } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Credential, Issuer, Preflight, Verdict } from '../../kit/issuer.ts'
import { contradiction, probePair } from '../../outside/probe-pair.ts'
import { type Work, withApi } from './api.ts'
import { clientKind } from './client.ts'
import { keysKind } from './keys.ts'
import type { Kind } from './kind.ts'
import type { IssuerConfig } from './manifest.ts'
import { placeOf } from './place.ts'
import { userKind } from './user.ts'

/** The issuer of a client's secret, of a user's password, or of the signing keys of a realm. The admin logs in for each call, and out again. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const kind = kindOf(config, host)
  const bases = new Map((config.nodes ?? [config.url]).map((base) => [placeOf(base), base]))
  const asAdmin = <T>(call: Call, work: Work<T>): Promise<Answer<T>> => withApi(config, host, call, work)

  async function probe(credential: Credential, endpoint: string, call: Call): Promise<Answer<Verdict>> {
    const base = bases.get(endpoint)
    if (base === undefined) return refused('USAGE', `there is no endpoint ${label(endpoint)}`)
    if (call.signal.aborted) return refused('DEADLINE', endpoint)
    return kind.probe(credential, base, (work) => asAdmin(call, work), call)
  }

  /** See {@link probePair}. Undefined when a verdict means something. */
  function proveProbe(current: Credential, call: Call): Promise<Answer<never> | undefined> {
    const shown = { current, wrong: kind.wrong(current) }
    return probePair(bases.keys(), (which, endpoint) => probe(shown[which], endpoint, call), (seen, endpoint) => contradiction(seen, endpoint) ?? inconclusive(seen, endpoint))
  }

  return {
    traits: kind.traits,
    identity: () => resourceKey('principal', 'keycloak', placeOf(config.url), config.realm, ...kind.principal),
    endpoints: () => [...bases.keys()],
    idOf: (fields) => kind.idOf(fields),
    propose(current) {
      const proposed = kind.propose(current)
      for (const [field, value] of Object.entries(proposed.fields)) if (kind.traits.fields[field] === 'secret') host.conceal(value)
      return proposed
    },
    async preflight(current, _next, call): Promise<Answer<Preflight>> {
      const ahead = await asAdmin(call, { lost: 'unknown', body: (api) => kind.ahead(api, current) })
      if (ahead.is !== 'done') return ahead
      const clear = /^http:/i.test(config.url) ? ['values cross the network in clear: the address begins with http://'] : []
      const { evidence, notices } = ahead.value
      return (await proveProbe(current, call)) ?? done({ evidence, fenced: false, notices: [...notices, ...clear] })
    },
    observe: (call) => asAdmin(call, { lost: 'unknown', body: (api) => kind.observe(api) }),
    mint: (intent, call) => asAdmin(call, { lost: 'refused', body: (api) => kind.mint(api, intent, call) }),
    probe,
    set: (id, state, call) => asAdmin(call, { lost: 'refused', body: (api) => kind.set(api, id, state) }),
    // Every request has a connection of its own.
    close: async () => undefined,
  }
}

function kindOf(config: IssuerConfig, host: Host): Kind {
  const now = (): number => host.now()
  if (config.client !== undefined) return clientKind(config, config.client, now)
  if (config.user !== undefined) return userKind(config, config.user, now)
  if (config.keys !== undefined) return keysKind(config, config.keys)
  throw new KeyturnError('MANIFEST_INVALID', '`client`, `user` or `keys`, one of them')
}

function inconclusive({ code }: Verdict, endpoint: string): Answer<never> {
  const evidence = { endpoint, code: label(code) }
  if (code === 'locked') return refused('PRECONDITION_FAILED', `the brute force detection has locked the user at ${endpoint}`, evidence)
  if (/^4\d\d /.test(code)) return refused('PRECONDITION_FAILED', `${endpoint} gives no verdict (${label(code)}): is the client or user enabled, and may it log in this way?`, evidence)
  return unknown('UNREACHABLE', endpoint, evidence)
}
