import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Credential, CredentialState, Issuer, Known } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { probeLogin } from '../../outside/nats/index.ts'
import { asSystem, serversOf, type Work } from './access.ts'
import { type AccountClaims, changeAccount, readAccount } from './account.ts'
import { type Connections, readConnections, usesOf } from './connections.ts'
import { entriesOf, isRevoked, withEntries, withoutUser } from './ledger.ts'
import { keysOf } from './keys.ts'
import type { IssuerConfig } from './manifest.ts'
import { lookAhead } from './preflight.ts'
import { presentCreds } from './session.ts'
import { makeKey, readUser, signUser } from './user.ts'

const KEY = /^U[A-Z2-7]{55}$/
/** How often it is looked whether the connections of an ended user are closed, ms. */
const LOOK_MS = 50

/** Users of one name in an account: a new key and JWT beside the old one, which is revoked in the JWT of the account. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const { account, user } = config
  const servers = serversOf(config, host)

  /** The current one is told by the placeholder, so that it is written down together with the first that keyturn makes. */
  const mint = async (placeholder: string, tag: string, call: Call): Promise<Answer<{ readonly credential: Credential; readonly evidence: { readonly writes: number } }>> =>
    asSystem(config, host, call, async (work) => {
      const { operator, signer, scoped } = await keysOf(config, host, work, call)
      const key = await makeKey()
      host.conceal(key.seed)
      const [, current] = /^after:(U[A-Z2-7]{55})$/.exec(placeholder) ?? []
      const entries = [...(current === undefined ? [] : [{ id: current, tag: '' }]), { id: key.id, tag }]
      const { writes } = await changeAccount(work.session, { account, operator, servers: work.servers, signal: call.signal }, (claims) => withEntries(claims, user, entries), work.onSend)
      const expires = config.expires === undefined ? {} : { expires: Math.floor((host.now() + durationOf(config.expires)) / 1000) }
      const jwt = await signUser({ signer, account, name: user, claims: config.claims ?? {}, scoped, ...expires }, key)
      host.conceal(jwt)
      return done({ credential: { id: key.id, fields: { jwt, seed: key.seed } }, evidence: { writes } })
    })

  const end = async (id: string, call: Call): Promise<Answer<{ readonly evidence: { readonly ended: number } }>> => {
    if (!KEY.test(id)) return call.signal.aborted ? refused('DEADLINE', user) : done({ evidence: { ended: 0 } })
    return asSystem(config, host, call, async (work) => {
      if (readUser(work.creds.jwt)?.id === id) return refused('RIGHTS_MISSING', 'keyturn itself works with this user: give another one under `system`')
      const { operator } = await keysOf(config, host, work, call)
      const before = usesOf(await readConnections(work.session, account, work.servers), id)
      await changeAccount(work.session, { account, operator, servers: work.servers, signal: call.signal }, (claims) => withoutUser(claims, user, id), work.onSend)
      while (usesOf(await readConnections(work.session, account, work.servers), id).length > 0) await pause(LOOK_MS, undefined, { signal: call.signal })
      return done({ evidence: { ended: before.reduce((sum, { count }) => sum + count, 0) } })
    })
  }

  const isOn = (id: string, call: Call): Promise<Answer<{ readonly evidence: { readonly revoked: boolean } }>> =>
    asSystem(config, host, call, async (work) => {
      const found = await accountOf(work)
      return isRevoked(found.nats, id) ? refused('NOT_NOW', 'a user that was revoked is not turned on again') : done({ evidence: { revoked: false } })
    })

  const accountOf = async ({ session, servers: all }: Pick<Work, 'session' | 'servers'>): Promise<{ readonly nats: AccountClaims }> => {
    const found = await readAccount(session, account, all)
    if (found === undefined) throw new KeyturnError('PRINCIPAL_MISSING', account)
    return found
  }

  return {
    traits: {
      value: 'made', mint: 'adds', acceptor: 'issuer', locate: 'tag', slots: 2, settle: 2_000, ends: ['gone'],
      fields: { jwt: 'secret', seed: 'secret' },
    },
    identity: () => resourceKey('principal', 'nats', account, user),
    endpoints: () => servers.map(({ url }) => url),
    idOf: ({ jwt }) => {
      const read = readUser(jwt)
      return read?.account === account && read.name === user ? read.id : undefined
    },
    propose: ({ id }) => ({ id: `after:${id}`, fields: {} }),
    preflight: (current, _next, call) => asSystem(config, host, call, (work) => lookAhead(config, host, work, current, call)),
    observe: (call) => asSystem(config, host, call, async (work) => {
      const { nats } = await accountOf(work)
      const connections = await readConnections(work.session, account, work.servers)
      const entries = entriesOf(nats, user)
      // By these alone a missing one certainly is not there: keyturn writes down what it makes, and what was in use before.
      return done({ known: knownOf(nats, entries, connections, user), complete: entries.length > 0, seenUpTo: connections.now, clock: connections.now })
    }),
    mint: ({ credential, tag }, call) => mint(credential.id, tag, call),
    probe: (credential, endpoint, call) => {
      const { jwt = new Secret(''), seed = new Secret('') } = credential.fields
      return probeLogin(servers.find(({ url }) => url === endpoint), presentCreds({ jwt, seed }), call)
    },
    set: async (id: string, state: CredentialState, call: Call) => {
      if (state === 'gone') return end(id, call)
      return state === 'on' ? isOn(id, call) : refused('NOT_NOW', 'NATS has no off: a user is revoked for ever or not at all')
    },
    // Every call has a connection of its own.
    close: async () => undefined,
  }
}

/** Those that are written down, and those of the same name that are connected without that. */
function knownOf(claims: AccountClaims, entries: ReturnType<typeof entriesOf>, connections: Connections, user: string): Known[] {
  const listed = new Set(entries.map(({ id }) => id))
  const others = new Set(connections.all.filter((one) => one.user === user && !listed.has(one.id)).map(({ id }) => id))
  const stateOf = (id: string): CredentialState => (isRevoked(claims, id) ? 'gone' : 'on')
  return [
    ...entries.map(({ id, tag }) => ({ id, state: stateOf(id), uses: usesOf(connections, id), ...(tag === '' ? {} : { tag }) })),
    ...[...others].map((id) => ({ id, state: stateOf(id), uses: usesOf(connections, id) })),
  ]
}
