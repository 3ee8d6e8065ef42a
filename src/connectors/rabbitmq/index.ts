import { ALNUM, generate } from '../../kit/generate.ts'
import { type Answer, type Call, type Credential, type Host, type Issuer, type Known, KeyturnError, Secret, type Verdict, done, label, placeLabel, refused, resourceKey, unknown } from '../../kit/index.ts'
import { contradiction, probePair } from '../../outside/probe-pair.ts'
import { type Api, withApi } from './api.ts'
import { bring } from './end.ts'
import { loginAt } from './login.ts'
import type { IssuerConfig } from './manifest.ts'
import { mint } from './mint.ts'
import { lookAhead } from './preflight.ts'
import { otherOf, principalOf } from './principal.ts'
import { isOff, readConnections, readUser, usesOf } from './user.ts'

/** The issuer of one user of RabbitMQ, or of a pair of them. No connection is kept between calls. Facts: the pages that manifest.ts links. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const principal = principalOf(config)
  const endpoints = config.endpoints.map((one) => one.name)
  const asked = <T>(call: Call, lost: 'refused' | 'unknown', body: (api: Api) => Promise<Answer<T>>): Promise<Answer<T>> => withApi(config, host, call, lost, body)

  /** A 403 rejects; a login that is closed to a user rejects when the admin reads that it is off, and says nothing else. */
  async function probe(credential: Credential, endpoint: string, call: Call): Promise<Answer<Verdict>> {
    const place = config.endpoints.find((one) => one.name === endpoint)
    if (place === undefined) return refused('USAGE', `there is no endpoint ${endpoint}`)
    try {
      const login = await loginAt(place, config.vhost, credential, call)
      if (login.is === 'accepted') return done({ verdict: 'accepted', code: 'open-ok' })
      if (login.is === 'refused') return done({ verdict: 'rejected', code: '403' })
      if (login.is === 'lost') return login.code === 'DEADLINE' ? unknown('DEADLINE', placeLabel(place.host, place.port)) : done({ verdict: 'inconclusive', code: login.code })
      return await asked(call, 'unknown', async (api) => {
        const user = await readUser(api, credential.fields['user']?.reveal() ?? '')
        return done({ verdict: user !== undefined && isOff(user) ? 'rejected' : 'inconclusive', code: '530' })
      })
    } catch (thrown) {
      if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
      throw thrown
    }
  }

  /** See {@link probePair}: with a password that nobody has. Undefined when a verdict means something. */
  function proveProbe(current: Credential, call: Call): Promise<Answer<never> | undefined> {
    const shown = { current, wrong: { ...current, fields: { ...current.fields, password: new Secret(generate(ALNUM, 40)) } } }
    return probePair(endpoints, (which, endpoint) => probe(shown[which], endpoint, call), (seen, endpoint) => contradiction(seen, endpoint) ?? inconclusive(seen, endpoint))
  }

  function inconclusive({ code }: Verdict, endpoint: string): Answer<never> {
    const evidence = { endpoint: label(endpoint), code: label(code) }
    if (code === '530') return refused('PRECONDITION_FAILED', `the user cannot open the virtual host ${label(config.vhost)} at ${endpoint}`, evidence)
    return unknown('UNREACHABLE', endpoint, evidence)
  }

  return {
    traits: {
      value: 'chosen', acceptor: 'issuer', locate: 'value', fields: { user: 'plain', password: 'secret' }, settle: 2000,
      ...(principal.strategy === 'alternate' ? { mint: 'adds', slots: 2, ends: ['off', 'gone'] } : { mint: 'replaces', slots: 1, ends: [] }),
    },
    identity: () => resourceKey('principal', 'rabbitmq', new URL(config.api).host, config.user),
    endpoints: () => endpoints,
    idOf: ({ user }) => principal.all.find((one) => one === user?.reveal()),
    propose(current) {
      const id = otherOf(principal, current.id)
      const password = new Secret(generate(ALNUM, config.length))
      host.conceal(password)
      return { id, fields: { user: new Secret(id), password } }
    },
    async preflight(current, _next, call) {
      const ahead = await asked(call, 'unknown', (api) => lookAhead(api, principal, config.vhost, current.id))
      return ahead.is === 'done' ? (await proveProbe(current, call)) ?? ahead : ahead
    },
    observe: (call) => asked(call, 'unknown', async (api) => {
      const known: Known[] = []
      for (const id of principal.all) {
        const user = await readUser(api, id)
        if (user !== undefined) known.push({ id, state: isOff(user) ? 'off' : 'on', uses: usesOf(await readConnections(api, id)) })
      }
      const clock = (await api.get('/api/whoami'))?.date
      return done({ known, complete: true, seenUpTo: clock ?? host.now(), ...(clock === undefined ? {} : { clock }) })
    }),
    async mint(intent, call) {
      const accepted = async (): Promise<boolean> => {
        const verdict = await probe(intent.credential, endpoints[0] ?? '', call)
        return verdict.is === 'done' && verdict.value.verdict === 'accepted'
      }
      const minted = await asked(call, 'refused', (api) => mint(api, principal, intent, accepted))
      return minted.is === 'done' ? done({ credential: intent.credential, evidence: minted.value.evidence }) : minted
    },
    probe,
    set: (id, state, call) => asked(call, 'refused', (api) => bring(api, principal, id, state, config.admin.user, call)),
    close: async () => undefined,
  }
}
