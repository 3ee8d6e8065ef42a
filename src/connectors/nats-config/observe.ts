import { type Answer, done } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { CredentialState, Observation } from '../../kit/issuer.ts'
import { type Connection, readConnections, usesOf } from './monitor.ts'
import { loadUsers, type Node, type Ways } from './node.ts'
import type { Principal } from './principal.ts'

/**
 * The users that some file has, each on when one has it on, and who is connected over all nodes. A node that does not answer is no quiet
 * one: then nothing is answered.
 */
export async function observe(nodes: readonly Node[], principal: Principal, ways: Ways, call: Call): Promise<Answer<Observation>> {
  const states = new Map<string, CredentialState>()
  const all: Connection[] = []
  let now = Infinity
  for (const node of nodes) {
    const connections = await readConnections(node.monitor, call)
    if (connections.is !== 'done') return connections
    const loaded = await loadUsers(node, ways)
    if (loaded.is !== 'done') return loaded
    for (const { id, state } of principal.ours(loaded.value.users)) if (states.get(id) !== 'on') states.set(id, state)
    all.push(...connections.value.all)
    now = Math.min(now, connections.value.now)
  }
  return done({ known: [...states].map(([id, state]) => ({ id, state, uses: usesOf(all, id) })), complete: true, seenUpTo: now, clock: now })
}
