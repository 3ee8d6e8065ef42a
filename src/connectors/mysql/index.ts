import { ALNUM, generate } from '../../kit/generate.ts'
import { type Answer, type Call, type Credential, type Host, type Issuer, Secret, done, refused, resourceKey } from '../../kit/index.ts'
import { type AdminSession, asAdmin } from './admin.ts'
import { bring } from './end.ts'
import { failure } from './failure.ts'
import type { IssuerConfig } from './manifest.ts'
import { mint } from './mint.ts'
import { observe } from './observe.ts'
import { lookAhead, proveProbe } from './preflight.ts'
import { idOf, otherOf, principalOf } from './principal.ts'
import { probeAt } from './probe.ts'
import { type Target, findAdmin } from './target.ts'

/** The issuer of one user of MySQL or MariaDB, or of a pair of them. No connection is kept between calls. Facts: the pages that manifest.ts links. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const principal = principalOf(config)
  const endpoints = config.endpoints?.map((one) => one.name) ?? ['primary']

  async function withAdmin<T>(
    call: Call, lost: 'refused' | 'unknown', body: (session: AdminSession, admin: Target) => Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    try {
      const admin = await findAdmin(config.admin, host, call)
      return await asAdmin(admin, call, lost, (session) => body(session, admin))
    } catch (thrown) {
      return failure(thrown, call, lost)
    }
  }

  async function probe(credential: Credential, endpoint: string, call: Call): ReturnType<Issuer['probe']> {
    if (!endpoints.includes(endpoint)) return refused('USAGE', `there is no endpoint ${endpoint}`)
    try {
      const admin = await findAdmin(config.admin, host, call)
      const place = config.endpoints?.find((one) => one.name === endpoint)
      return await probeAt(place === undefined ? admin : { ...admin, host: place.host, port: place.port }, config.database, credential, call)
    } catch (thrown) {
      return failure(thrown, call, 'unknown')
    }
  }

  return {
    traits: {
      value: 'chosen', acceptor: 'issuer', locate: 'value', fields: { user: 'plain', password: 'secret' }, settle: 2000,
      ...({
        alternate: { mint: 'adds', slots: 2, ends: ['off', 'gone'] },
        overlap: { mint: 'adds', slots: 2, ends: ['gone'] },
        'in-place': { mint: 'replaces', slots: 1, ends: [] },
      } as const)[principal.strategy],
      ...(config.lockout === undefined ? {} : { lockout: config.lockout }),
    },
    identity: () => resourceKey('principal', 'mysql', serverOf(config), config.user),
    endpoints: () => endpoints,
    idOf: (fields) => idOf(principal, fields),
    propose(current) {
      const user = new Secret(principal.strategy === 'alternate' ? otherOf(principal, current.id) : principal.original)
      const password = new Secret(generate(ALNUM, config.length))
      host.conceal(password)
      const fields = { user, password }
      return { id: idOf(principal, fields) ?? user.reveal(), fields }
    },
    async preflight(current, _next, call) {
      const user = current.fields['user']?.reveal() ?? current.id
      const ahead = await withAdmin(call, 'unknown', (session, admin) => lookAhead(session, principal, config, user, admin.tls === undefined))
      if (ahead.is !== 'done') return ahead
      return (await proveProbe(current, endpoints, (credential, endpoint) => probe(credential, endpoint, call))) ?? ahead
    },
    observe: (call) => withAdmin(call, 'unknown', (session) => observe(session, principal)),
    async mint(intent, call) {
      const [first = 'primary'] = endpoints
      const accepted = async (): Promise<boolean> => {
        const verdict = await probe(intent.credential, first, call)
        return verdict.is === 'done' && verdict.value.verdict === 'accepted'
      }
      const minted = await withAdmin(call, 'refused', (session) => mint(session, { principal, send: config.send, accepted }, intent, call))
      return minted.is === 'done' ? done({ credential: intent.credential, evidence: minted.value.evidence }) : minted
    },
    probe,
    set: (id, state, call) => withAdmin(call, 'refused', (session, admin) => bring(session, principal, id, state, admin.user, call)),
    close: async () => undefined,
  }
}

/** The server as far as the manifest itself names it; the reference where that is all there is. */
function serverOf(config: IssuerConfig): string {
  const [first] = config.endpoints ?? []
  if (first !== undefined) return `${first.host}:${first.port}`
  const url = URL.parse(config.admin.replaceAll(/\$\{[^}]*\}/g, 'x'))
  return url === null || url.host === '' ? config.admin : `${url.hostname}:${url.port === '' ? '3306' : url.port}`
}
