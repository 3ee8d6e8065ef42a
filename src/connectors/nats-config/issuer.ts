import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Credential, Issuer, Verdict } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { canonical } from '../../outside/file/index.ts'
import { type Presents, probeLogin, seedOr } from '../../outside/nats/index.ts'
import { contradiction, probePair } from '../../outside/probe-pair.ts'
import type { IssuerConfig } from './manifest.ts'
import { readConnections, readVarz, usesOf } from './monitor.ts'
import { makeSeed } from './nkey.ts'
import { changeNode, loadUsers, nodesOf, ownWays, type Ways } from './node.ts'
import { observe } from './observe.ts'
import { lookAhead } from './preflight.ts'
import { admit, brought, type Hashing, principalOf } from './principal.ts'
import type { Users } from './users.ts'

/** How often it is looked whether the connections of an ended user are closed, ms. */
const LOOK_MS = 50

/**
 * The issuer of a user in the configuration of NATS servers. keyturn writes the file of users that the configuration includes and has
 * each server read it again. Facts: the pages that manifest.ts links.
 */
export function openIssuer(config: IssuerConfig, host: Host, ways: Ways = ownWays): Issuer {
  const [nodes, principal] = [nodesOf(config, host), principalOf(config)]
  const { strategy } = config
  const hashing: Hashing = {
    hash: async (password) => (await import('bcryptjs')).hash(password.reveal(), config.cost),
    isOf: async (password, kept) => (kept.startsWith('$2') ? (await import('bcryptjs')).compare(password.reveal(), kept) : password.reveal() === kept),
  }

  /** Every node, one after the other; what goes wrong once something was changed leaves it open what was. */
  async function change(edit: (users: Users) => Answer<string> | Promise<Answer<string>>, call: Call): Promise<Answer<{ readonly nodes: number; readonly written: number }>> {
    if (call.signal.aborted) return refused('DEADLINE', principal.name)
    for (const { monitor } of nodes) {
      const there = await readVarz(monitor, call)
      if (there.is !== 'done') return unchanged(there)
    }
    let [sent, written] = [false, 0]
    for (const node of nodes) {
      const changed = await changeNode(node, edit, ways, call, () => { sent = true })
      if (changed.is === 'refused' && sent) return unknown(changed.code, changed.about, changed.evidence)
      if (changed.is !== 'done') return sent ? changed : unchanged(changed)
      if (changed.value.written) written += 1
    }
    return done({ nodes: nodes.length, written })
  }

  /** Nobody is connected with it any more: the servers close such connections when they have read the file. */
  async function ended(id: string, call: Call): Promise<Answer<void>> {
    for (const node of nodes) {
      for (;;) {
        const seen = await readConnections(node.monitor, call)
        if (seen.is === 'refused') return unknown(seen.code, seen.about)
        if (seen.is !== 'done') return seen
        if (usesOf(seen.value.all, id).length === 0) break
        if (call.signal.aborted) return unknown('DEADLINE', `connections of ${id} are open at ${node.name}`)
        await pause(LOOK_MS)
      }
    }
    return done(undefined)
  }

  const presents = ({ fields }: Credential): Presents => (library) => (strategy === 'overlap'
    ? library.nkeyAuthenticator(seedOr(library, fields['seed']?.reveal() ?? ''))
    : library.usernamePasswordAuthenticator(fields['user']?.reveal() ?? '', fields['password']?.reveal() ?? ''))

  const probe = (credential: Credential, endpoint: string, call: Call): Promise<Answer<Verdict>> =>
    probeLogin(nodes.find(({ name }) => name === endpoint)?.server, presents(credential), call)

  /** A wrong value of the same user. */
  const wrongOf = ({ id, fields }: Credential): Credential => ({ id, fields: strategy === 'overlap' ? { seed: new Secret(makeSeed()) } : { ...fields, password: new Secret(generate(ALNUM, config.length)) } })

  return {
    traits: {
      value: 'chosen', acceptor: 'issuer', locate: 'value', fields: config.fields, settle: 2_000,
      ...(strategy === 'in-place' ? { mint: 'replaces', slots: 1, ends: [] } as const : { mint: 'adds', slots: 2, ends: ['off', 'gone'] } as const),
    },
    identity: () => resourceKey('principal', 'nats-config', canonical(nodes[0]?.file ?? ''), principal.name),
    endpoints: () => nodes.map(({ name }) => name),
    idOf: (fields) => principal.idOf(fields),
    propose(current) {
      const secret = new Secret(strategy === 'overlap' ? makeSeed() : generate(ALNUM, config.length))
      host.conceal(secret)
      const user = principal.users.find((one) => one !== current.id) ?? config.user
      const fields = strategy === 'overlap' ? { seed: secret } : { user: new Secret(user), password: secret }
      return { id: principal.idOf(fields) ?? user, fields }
    },
    async preflight(current, next, call) {
      const ahead = await lookAhead(nodes, principal, current.id, next, ways, call)
      if (ahead.is !== 'done') return ahead
      const said = await probePair(nodes.map(({ name }) => name), (shown, endpoint) => probe(shown === 'wrong' ? wrongOf(current) : current, endpoint, call),
        (seen, endpoint) => contradiction(seen, endpoint) ?? refused(seen.code === 'DEADLINE' ? 'DEADLINE' : 'UNREACHABLE', endpoint))
      return said ?? ahead
    },
    observe: (call) => observe(nodes, principal, ways, call),
    async mint({ credential }, call) {
      const { id, fields } = credential
      if (principal.idOf(fields) !== id) return refused('PRINCIPAL_MISSING', 'the credential is of another principal')
      const { password } = fields
      const taken = await inUse(credential, call)
      if (taken !== undefined) return unchanged(taken)
      const changed = await change((users) => admit(users, principal, id, password, hashing), call)
      if (changed.is !== 'done') return changed
      for (const { name } of nodes) {
        const verdict = await probe(credential, name, call)
        if (verdict.is === 'done' && verdict.value.verdict === 'rejected') return unknown('CREDENTIAL_REJECTED', `${name} has read its configuration again and rejects ${id}: it does not include the file that keyturn writes`)
      }
      return done({ credential, evidence: changed.value })
    },
    probe,
    async set(id, state, call) {
      if (strategy === 'in-place') return refused('NOT_NOW', 'a password that is rotated in place is ended by the next mint')
      const changed = await change((users) => brought(users, principal, id, state), call)
      if (changed.is !== 'done') return changed
      const quiet = state === 'on' ? done(undefined) : await ended(id, call)
      return quiet.is === 'done' ? done({ evidence: changed.value }) : quiet
    },
    // Every call has connections of its own.
    close: async () => undefined,
  }

  /** Somebody is connected as the idle user of the pair, with another password than this one. */
  async function inUse(credential: Credential, call: Call): Promise<Answer<never> | undefined> {
    const { id, fields: { password } } = credential
    if (strategy !== 'alternate' || password === undefined) return undefined
    for (const node of nodes) {
      const [seen, loaded] = [await readConnections(node.monitor, call), await loadUsers(node, ways)]
      if (seen.is !== 'done') return seen
      if (loaded.is !== 'done') return loaded
      const entry = principal.ours(loaded.value.users).find((one) => one.id === id)
      const uses = usesOf(seen.value.all, id)
      if (uses.length > 0 && entry !== undefined && !(await hashing.isOf(password, entry.password))) return refused('PRINCIPAL_IN_USE', `${id} is in use at ${node.name}`)
    }
    return undefined
  }
}

/** What did not come while only looking was without effect. */
function unchanged(answer: Answer<never>): Answer<never> {
  return answer.is === 'unknown' ? refused(answer.code, answer.about, answer.evidence) : answer
}
