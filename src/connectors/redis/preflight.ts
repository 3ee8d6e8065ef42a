import { type Answer, done, label, type Preflight, refused } from '../../kit/index.ts'
import { readNodes, type Seen } from './change.ts'
import { whyForgetful } from './durable.ts'
import { SLOTS } from './mint.ts'
import type { OpenNode } from './nodes.ts'
import type { Principal } from './principal.ts'
import { infoOf } from './reply.ts'
import { missingRights } from './rights.ts'
import { type Client, nameUses, readClients, usesOf } from './sessions.ts'
import { stateOf } from './user.ts'

/** Whether mint and set would work at every node, by what the admin can read. Changes nothing. */
export async function lookAhead(nodes: readonly OpenNode[], principal: Principal, persist: boolean, current: string, next: string): Promise<Answer<Preflight>> {
  const admin = nodes[0]?.target.user ?? ''
  // What keyturn itself works with is never ended (I4).
  if (principal.users.includes(admin)) return refused('RIGHTS_MISSING', `the admin logs in as ${admin}, whose password this changes; give an admin of its own: ACL SETUSER`)
  for (const node of nodes) {
    const missing = await missingRights(node, principal)
    if (missing !== undefined) return missing
  }
  const seen = await readNodes(nodes)
  const infos = await Promise.all(nodes.map(async (node) => infoOf(await node.ask(['INFO']))))
  const clients = await Promise.all(nodes.map(readClients))

  for (const [at, one] of seen.entries()) {
    const bad = whyNot(one, principal, persist, current, next) ?? whyFull(one, principal, current, infos[at] ?? new Map(), clients[at] ?? [])
    if (bad !== undefined) return bad
  }
  const uses = usesOf(next, clients.flat())
  if (principal.strategy === 'alternate' && uses.length > 0) return refused('PRINCIPAL_IN_USE', `${next}: in use by ${nameUses(uses)}`)
  const inCluster = await Promise.all(nodes.map((node, at) => clusterSize(node, infos[at] ?? new Map())))
  const unnamed = Math.max(unnamedNodes(infos), ...inCluster.map((size) => size - nodes.length))
  if (unnamed > 0) {
    return refused('PRECONDITION_FAILED', `${unnamed} more ${unnamed === 1 ? 'node keeps' : 'nodes keep'} users of ${unnamed === 1 ? 'its' : 'their'} own than \`nodes\` names: name every primary and every replica`)
  }
  const evidence = {
    server: label(infos[0]?.get('redis_version') ?? ''), admin: label(admin), user: label(principal.original), nodes: nodes.length,
    sessions: clients.flat().filter((client) => principal.users.includes(client.user)).length,
  }
  return done({ evidence, fenced: false, notices: notices(seen, principal, persist, current) })
}

/** Why this node stands against it. */
function whyNot({ node, users, setup }: Seen, principal: Principal, persist: boolean, current: string, next: string): Answer<never> | undefined {
  const { strategy, original } = principal
  const user = users.get(original)
  if (user === undefined) return refused('PRINCIPAL_MISSING', `${original} at ${node.name}`)
  if (strategy === 'alternate' && !users.has(current)) return refused('PRINCIPAL_MISSING', `${current} at ${node.name}`)
  const idle = users.get(next)
  if (strategy === 'alternate' && idle !== undefined && stateOf(idle) === 'on') {
    return refused('PRINCIPAL_IN_USE', `${next} may log in at ${node.name}, so somebody may have its password`)
  }
  if (strategy === 'overlap' && user.hashes.filter((hash) => principal.idOfHash(hash) !== current).length >= SLOTS - 1) {
    return refused('SLOTS_FULL', `${original} has ${user.hashes.length} passwords at ${node.name}; take the ones that nobody uses away (ACL SETUSER ${original} !HASH)`)
  }
  if (strategy !== 'in-place' && setup.replicates !== undefined && principal.users.includes(setup.replicates.user)) {
    return refused('PRECONDITION_FAILED', `${node.name} logs in to its primary as ${setup.replicates.user} (masteruser, masterauth), which would be cut off; give replication a user of its own: +psync +replconf +ping`)
  }
  const forgetful = persist ? whyForgetful(node, setup) : undefined
  return forgetful === undefined ? undefined : refused('PRECONDITION_FAILED', forgetful)
}

/** While consumers are replaced, old and new connections are open together. https://redis.io/docs/latest/develop/reference/clients/ */
function whyFull({ node }: Seen, { users }: Principal, current: string, info: ReadonlyMap<string, string>, clients: readonly Client[]): Answer<never> | undefined {
  const [open, most] = [Number(info.get('connected_clients')), Number(info.get('maxclients'))]
  const ours = clients.filter((client) => (users.length > 1 ? client.user === current : users.includes(client.user))).length
  // A server that does not say how many it takes (before 6.2) is not held against that.
  if (!(open + ours > most)) return undefined
  return refused('SLOTS_FULL', `${node.name} has ${open} connections, ${ours} of them ours, and takes ${most}: a second pool does not fit`, { open, ours, most })
}

/** How many nodes there are beside those that are named, as far as these know of each other. */
function unnamedNodes(infos: readonly ReadonlyMap<string, string>[]): number {
  const primaries = infos.filter((info) => info.get('role') === 'master').length
  const replicas = infos.reduce((sum, info) => sum + Number(info.get('connected_slaves') ?? 0), 0)
  const isCut = primaries === 0 && infos.length > 0
  return Math.max(0, primaries + replicas - infos.length, isCut ? 1 : 0)
}

/** How many nodes the cluster of this one has, replicas too; none when it is in no cluster. https://redis.io/docs/latest/commands/cluster-info/ */
async function clusterSize(node: OpenNode, info: ReadonlyMap<string, string>): Promise<number> {
  if (info.get('cluster_enabled') !== '1') return 0
  return Number(infoOf(await node.ask(['CLUSTER', 'INFO'])).get('cluster_known_nodes') ?? 0)
}

function notices(seen: readonly Seen[], { strategy, original }: Principal, persist: boolean, current: string): readonly string[] {
  const stale = original === 'default' && strategy !== 'in-place' ? seen.filter(({ setup }) => setup.requirepass !== undefined) : []
  return [
    'unfenced: Redis cannot compare before it changes a user',
    ...(persist ? [] : ['persist: never: a restart of a node brings the old password back there']),
    ...(strategy === 'overlap' ? [
      `Redis does not tell which password of ${original} a connection came with: uses of the old one are not seen (set \`quiet: 0s\`, or acknowledge), and when it is ended all connections of ${original} are; \`alternate\` has neither`,
    ] : []),
    ...(strategy === 'alternate' && current === 'default' ? ['consumers of `default` often send a password alone; from now on they have to send the user too'] : []),
    ...stale.map(({ node }) => `${node.name}: requirepass in its configuration goes on to show a password that is not the user's any more; take the line out when the rotation is done`),
  ]
}
