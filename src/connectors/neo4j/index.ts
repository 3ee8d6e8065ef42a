import { ALNUM, generate } from '../../kit/generate.ts'
import { type Answer, type Call, done, type Host, type Issuer, refused, resourceKey, Secret } from '../../kit/index.ts'
import { type Admin, asAdmin, nodesOf } from './admin.ts'
import { bring } from './end.ts'
import { failure } from './failure.ts'
import type { IssuerConfig } from './manifest.ts'
import { mint } from './mint.ts'
import { observe } from './observe.ts'
import { lookAhead } from './preflight.ts'
import { idOf, otherOf, principalOf } from './principal.ts'
import { probeAt, proveProbe } from './probe.ts'
import { findAdmin } from './target.ts'

/** The issuer of one Neo4j user, or of a pair of them. It holds no connection between calls. Facts: the pages that manifest.ts links. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const principal = principalOf(config)
  const endpoints = config.nodes?.map((node) => node.name) ?? ['primary']
  const withAdmin = <T>(call: Call, lost: 'refused' | 'unknown', body: (admin: Admin) => Promise<Answer<T>>): Promise<Answer<T>> => asAdmin(config, host, call, lost, body)

  const probe: Issuer['probe'] = async (credential, endpoint, call) => {
    try {
      const node = nodesOf(config, await findAdmin(config, host, call)).find(({ name }) => name === endpoint)
      return node === undefined ? refused('USAGE', `there is no endpoint ${endpoint}`) : await probeAt(node, credential, call)
    } catch (thrown) {
      return failure(thrown, call, 'unknown')
    }
  }

  return {
    traits: {
      value: 'chosen', acceptor: 'issuer', locate: 'value', fields: { user: 'plain', password: 'secret' }, settle: 2000, lockout: config.lockout,
      ...(principal.strategy === 'in-place'
        ? { mint: 'replaces', slots: 1, ends: [] } as const
        : { mint: 'adds', slots: 2, ends: principal.enterprise ? ['off', 'gone'] : ['gone'] } as const),
    },
    identity: () => resourceKey('principal', 'neo4j', serverOf(config), config.user),
    endpoints: () => endpoints,
    idOf: (fields) => idOf(principal, fields),
    propose(current) {
      const [user, password] = [otherOf(principal, current.id), new Secret(generate(ALNUM, config.length))]
      host.conceal(password)
      return { id: user, fields: { user: new Secret(user), password } }
    },
    async preflight(current, _next, call) {
      const ahead = await withAdmin(call, 'unknown', (admin) => lookAhead(admin, principal, config, current.id))
      if (ahead.is !== 'done') return ahead
      try {
        return (await proveProbe(current, nodesOf(config, await findAdmin(config, host, call)), call)) ?? ahead
      } catch (thrown) {
        return failure(thrown, call, 'unknown')
      }
    },
    observe: (call) => withAdmin(call, 'unknown', (admin) => observe(admin, principal)),
    async mint(intent, call) {
      const [first = 'primary'] = endpoints
      const accepted = async (): Promise<boolean> => {
        const verdict = await probe(intent.credential, first, call)
        return verdict.is === 'done' && verdict.value.verdict === 'accepted'
      }
      const minted = await withAdmin(call, 'refused', (admin) => mint(admin, principal, intent, accepted, call))
      return minted.is === 'done' ? done({ credential: intent.credential, evidence: minted.value.evidence }) : minted
    },
    probe,
    set: (id, state, call) => withAdmin(call, 'refused', (admin) => bring(admin, principal, id, state, call)),
    // Each call ends its own connections.
    close: async () => undefined,
  }
}

/** The server as far as the manifest itself names it; the reference where that is all there is. */
function serverOf(config: IssuerConfig): string {
  const [first] = config.nodes ?? []
  if (first !== undefined) return `${first.host}:${first.port}`
  const url = URL.parse(config.admin.replaceAll(/\$\{[^}]*\}/g, 'x'))
  return url === null || url.host === '' ? config.admin : `${url.hostname}:${url.port === '' ? '7687' : url.port}`
}
