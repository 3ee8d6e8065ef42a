import { ALNUM, generate } from '../../kit/generate.ts'
import { type Answer, type Call, done, type Host, type Issuer, type Known, type Observation, refused, Secret } from '../../kit/index.ts'
import type { IssuerConfig } from './manifest.ts'
import { end, mint } from './mint.ts'
import { ask, loadKeys, look, type Node, nodesOf } from './node.ts'
import { lookAhead } from './preflight.ts'
import { type Principal, principalOf } from './principal.ts'

/** The issuer of one key of a Qdrant, on one node or many: what it makes and ends stands in their files. Facts: the pages that manifest.ts links. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const [principal, nodes] = [principalOf(config), nodesOf(config, host)]
  return {
    traits: {
      value: 'chosen', acceptor: 'issuer', locate: 'value', fields: { key: 'secret' }, settle: 2000,
      ...(principal.overlap ? { mint: 'adds', slots: 2, ends: ['gone'] } as const : { mint: 'replaces', slots: 1, ends: [] } as const),
    },
    identity: () => principal.identity(),
    endpoints: () => nodes.map(({ name }) => name),
    idOf: (fields) => principal.idOf(fields),
    propose() {
      const key = new Secret(generate(ALNUM, config.length))
      host.conceal(key)
      return { id: principal.idOfKey(key.reveal()), fields: { key } }
    },
    preflight: (current, _next, call) => lookAhead(nodes, principal, current, call),
    observe: (call) => observe(nodes, principal, call),
    async mint(intent, call) {
      const minted = await mint(nodes, principal, intent, call)
      return minted.is === 'done' ? done({ credential: intent.credential, evidence: minted.value.evidence }) : minted
    },
    async probe(credential, endpoint, call) {
      const [node, key] = [nodes.find(({ name }) => name === endpoint), credential.fields['key']]
      if (node === undefined) return refused('USAGE', `there is no endpoint ${endpoint}`)
      return key === undefined ? refused('USAGE', 'a credential has a key') : ask(node, key, principal.readOnly, call)
    },
    set: (id, state, call) => end(nodes, principal, id, state, call),
    // Each call ends its own connections.
    close: async () => undefined,
  }
}

/** The keys that stand in some node's file. Nobody's use is shown: Qdrant does not tell. */
async function observe(nodes: readonly Node[], principal: Principal, call: Call): Promise<Answer<Observation>> {
  const ids = new Set<string>()
  let clock: number | undefined
  for (const node of nodes) {
    const there = await look(node, call)
    if (there.is !== 'done') return there
    clock = Math.min(clock ?? Infinity, there.value.clock ?? Infinity)
    const loaded = await loadKeys(node)
    if (loaded.is !== 'done') return loaded
    for (const id of principal.idsIn(loaded.value.keys)) ids.add(id)
  }
  const known = [...ids].map((id): Known => ({ id, state: 'on', uses: [] }))
  return done({ known, complete: true, seenUpTo: 0, ...(clock === undefined || clock === Infinity ? {} : { clock }) })
}
