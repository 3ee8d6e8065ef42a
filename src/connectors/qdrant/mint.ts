import { type Answer, type Call, type CredentialState, done, type Evidence, type MintIntent, refused, unknown } from '../../kit/index.ts'
import { changeNodes, type Edit } from './change.ts'
import { ask, loadKeys, type Node } from './node.ts'
import type { Principal } from './principal.ts'

type Changed = Answer<{ readonly evidence: Evidence }>

/**
 * Puts the key into the free place of every node, or in place of the one that is there, and restarts node by node; each has to let it in
 * before the next one is begun. May be repeated: a node that has it is left running.
 */
export async function mint(nodes: readonly Node[], principal: Principal, { credential: { fields: { key } } }: MintIntent, call: Call): Promise<Changed> {
  if (key === undefined) return refused('USAGE', 'a credential has a key')
  const value = key.reveal()
  const edit: Edit = (keys, node) => {
    const { places } = principal
    if (places.some((place) => keys[place] === value)) return done(keys)
    const place = principal.overlap ? places.find((one) => keys[one] === undefined) : places[0]
    return place === undefined ? full(node) : done({ ...keys, [place]: value })
  }
  const restarted = await changeNodes(nodes, edit, async (node) => {
    const verdict = await ask(node, key, principal.readOnly, call)
    if (verdict.is !== 'done') return verdict
    if (verdict.value.verdict === 'accepted') return done(undefined)
    return unknown('CREDENTIAL_REJECTED', `${node.name} was restarted and does not take its key from ${node.file}: another file or a variable QDRANT__SERVICE__... comes after it`, { code: verdict.value.code })
  }, call)
  return restarted.is === 'done' ? done({ evidence: { nodes: nodes.length, restarted: restarted.value } }) : restarted
}

/** A key that is in every file is on; one that was taken out somewhere is not to be had again. */
async function isIn(nodes: readonly Node[], principal: Principal, id: string): Promise<Changed> {
  for (const node of nodes) {
    const loaded = await loadKeys(node)
    if (loaded.is !== 'done') return loaded
    if (!principal.idsIn(loaded.value.keys).includes(id)) return refused('NOT_NOW', `${node.file} does not hold that key any more, and nobody else has its value`)
  }
  return done({ evidence: { nodes: nodes.length } })
}

/** Both places hold other keys. */
export function full({ name, file }: Node): Answer<never> {
  return refused('SLOTS_FULL', `${name} has two keys already; take the one that nobody uses out of ${file}`)
}

/**
 * Takes a key out of every node, by its id, and restarts node by node; the one that stays moves to the first place. Refuses to take the
 * last key away: without one the server lets everybody in. May be repeated.
 */
export async function end(nodes: readonly Node[], principal: Principal, id: string, state: CredentialState, call: Call): Promise<Changed> {
  if (state === 'on' && principal.overlap) return isIn(nodes, principal, id)
  if (state !== 'gone' || !principal.overlap) return refused('NOT_NOW', 'Qdrant cannot turn a key off; one that is rotated in place is ended by the next mint')
  const edit: Edit = (keys, node) => {
    const { api_key: first, alt_api_key: second, ...others } = keys
    const staying = [first, second].filter((key) => key !== undefined && principal.idOfKey(key) !== id)
    if (staying.length === [first, second].filter((key) => key !== undefined).length) return done(keys)
    const [main, alt] = staying
    if (main === undefined) return refused('NOT_NOW', `${node.name} has no other key, and without one it lets everybody in`)
    return done({ ...others, api_key: main, ...(alt === undefined ? {} : { alt_api_key: alt }) })
  }
  const restarted = await changeNodes(nodes, edit, async () => done(undefined), call)
  return restarted.is === 'done' ? done({ evidence: { nodes: nodes.length, restarted: restarted.value } }) : restarted
}
