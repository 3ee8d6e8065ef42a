import { ALNUM, generate } from '../../kit/generate.ts'
import {
  type Answer, type Call, type Credential, type Host, type Issuer, Secret, done, refused, resourceKey,
} from '../../kit/index.ts'
import { type AdminSession, asAdmin, findAdmin } from './admin.ts'
import { readDated } from './dated.ts'
import { bring } from './end.ts'
import { openKeep } from './keep.ts'
import type { IssuerConfig } from './manifest.ts'
import { mint } from './mint.ts'
import { observe } from './observe.ts'
import { memberOf, otherOf, pairOf } from './pair.ts'
import { lookAhead, proveProbe } from './preflight.ts'
import { probeAt } from './probe.ts'
import { failure } from './failure.ts'
import type { Target } from './target.ts'

/**
 * The issuer of one PostgreSQL role, of a pair of them, or of dated ones that follow each other. Every probe logs in afresh; the admin's connection is kept until `close`.
 * Facts: the pages that manifest.ts links.
 */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const adds = config.strategy !== 'in-place'
  const endpoints = config.endpoints?.map((one) => one.name) ?? ['primary']
  const keep = openKeep()

  async function withAdmin<T>(
    call: Call, lost: 'refused' | 'unknown', body: (session: AdminSession, admin: Target) => Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    try {
      const admin = await findAdmin(config.admin, host, call)
      return await asAdmin(keep, admin, call, lost, (session) => body(session, admin))
    } catch (thrown) {
      return failure(thrown, call, lost)
    }
  }

  async function probe(credential: Credential, endpoint: string, call: Call): ReturnType<Issuer['probe']> {
    if (!endpoints.includes(endpoint)) return refused('USAGE', `there is no endpoint ${endpoint}`)
    try {
      const admin = await findAdmin(config.admin, host, call)
      const { host: address, port } = config.endpoints?.find((one) => one.name === endpoint) ?? admin
      const place = { ...admin, host: address, port, database: config.database ?? admin.database }
      return await probeAt(place, keep, admin, credential, call)
    } catch (thrown) {
      return failure(thrown, call, 'unknown')
    }
  }

  return {
    traits: {
      value: 'chosen', acceptor: 'issuer', locate: 'value', fields: { user: 'plain', password: 'secret' }, settle: 2000,
      ...(adds ? { mint: 'adds', slots: 2, ends: ['off', 'gone'] } : { mint: 'replaces', slots: 1, ends: [] }),
    },
    identity: () => resourceKey('principal', 'postgres', serverOf(config), config.role),
    endpoints: () => endpoints,
    idOf: (fields) => memberOf(config, fields),
    propose(current) {
      const id = otherOf(config, current.id, host.now())
      const password = new Secret(generate(ALNUM, config.length))
      host.conceal(password)
      return { id, fields: { user: new Secret(id), password } }
    },
    async preflight(current, next, call) {
      const ahead = await withAdmin(call, 'unknown', (session) => lookAhead(session, pairOf(config, current.id, next), current.id, next))
      if (ahead.is !== 'done') return ahead
      return (await proveProbe(current, endpoints, (credential, endpoint) => probe(credential, endpoint, call))) ?? ahead
    },
    observe: (call) => withAdmin(call, 'unknown', async (session) => {
      const dated = config.strategy === 'overlap' ? await readDated(session, config.role) : []
      return observe(session, pairOf(config, ...dated))
    }),
    async mint(intent, call) {
      const [first = 'primary'] = endpoints
      const accepted = async (): Promise<boolean> => {
        const verdict = await probe(intent.credential, first, call)
        return verdict.is === 'done' && verdict.value.verdict === 'accepted'
      }
      const ways = { pair: pairOf(config, intent.credential.id), send: config.send, accepted }
      const minted = await withAdmin(call, 'refused', (session) => mint(session, ways, intent, call))
      if (minted.is === 'done') return done({ credential: intent.credential, evidence: minted.value.evidence })
      return minted
    },
    probe,
    set: (id, state, call) => withAdmin(call, 'refused', (session, admin) => bring(session, pairOf(config, id), id, state, admin, call)),
    close: () => keep.close(),
  }
}

/** The server as far as the manifest itself names it; the reference where that is all there is. */
function serverOf(config: IssuerConfig): string {
  const [first] = config.endpoints ?? []
  if (first !== undefined) return `${first.host}:${first.port}`
  const url = URL.parse(config.admin.replaceAll(/\$\{[^}]*\}/g, 'x'))
  return url === null || url.host === '' ? config.admin : `${url.hostname}:${url.port === '' ? '5432' : url.port}`
}
