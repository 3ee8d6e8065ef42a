import { type Answer, done, label, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Preflight } from '../../kit/issuer.ts'
import { inspectPlace } from '../../outside/file/index.ts'
import { type Connection, readConnections, readRoutes, readVarz, usesOf, type Varz } from './monitor.ts'
import { findProcess, loadUsers, type Node, type Ways } from './node.ts'
import { missing, type Principal } from './principal.ts'
import type { Users } from './users.ts'

interface Seen {
  readonly node: Node
  readonly users: Users
  readonly varz: Varz
  readonly all: readonly Connection[]
  readonly notices: readonly string[]
}

/** Whether mint and set would work at every node, by its file and its monitoring port. Changes nothing. */
export async function lookAhead(nodes: readonly Node[], principal: Principal, current: string, next: string, ways: Ways, call: Call): Promise<Answer<Preflight>> {
  const seen: Seen[] = []
  const [ids, routed] = [new Set<string>(), new Set<string>()]
  for (const node of nodes) {
    const one = await look(node, ways, call)
    if (one.is !== 'done') return one
    const routes = await readRoutes(node.monitor, call)
    if (routes.is !== 'done') return routes
    const bad = whyNot(one.value, principal, current, next)
    if (bad !== undefined) return bad
    seen.push(one.value)
    ids.add(one.value.varz.server_id)
    for (const id of routes.value) routed.add(id)
  }
  if (ids.size < nodes.length) return refused('PRECONDITION_FAILED', `${nodes.length} nodes are named, which are ${ids.size} ${ids.size === 1 ? 'server' : 'servers'}`)
  const others = [...routed].filter((id) => !ids.has(id)).length
  if (others > 0) return refused('PRECONDITION_FAILED', `the cluster has ${others} more ${others === 1 ? 'server' : 'servers'} than \`nodes\` names, and each reads a configuration of its own: name all`)
  const all = seen.flatMap((one) => one.all)
  const evidence = { server: label(seen[0]?.varz.version ?? ''), nodes: nodes.length, connections: all.length, own: countOf(all, current) }
  return done({ evidence, fenced: false, notices: ['unfenced: a file has no owner that could compare', ...seen.flatMap((one) => one.notices)] })
}

async function look(node: Node, ways: Ways, call: Call): Promise<Answer<Seen>> {
  const varz = await readVarz(node.monitor, call)
  if (varz.is !== 'done') return varz
  const place = await inspectPlace(node.file, node.write, ways.port, call)
  if (place.is !== 'done') return place
  const loaded = await loadUsers(node, ways)
  if (loaded.is !== 'done') return loaded
  const process = await findProcess(node, ways)
  if (process.is !== 'done') return process
  const connections = await readConnections(node.monitor, call)
  if (connections.is !== 'done') return connections
  return done({ node, users: loaded.value.users, varz: varz.value, all: connections.value.all, notices: [...place.value.notices, ...(await changed(node, varz.value, ways))] })
}

/** What somebody wrote and did not load would be loaded by our reload. */
async function changed({ name, file }: Node, { config_load_time }: Varz, { port }: Ways): Promise<readonly string[]> {
  const { mtimeMs } = await port.stat(await port.real(file))
  return mtimeMs > Date.parse(config_load_time) ? [`${name}: ${file} was changed after the server read it; the next reload brings that in as well`] : []
}

/** Why this node stands against it. */
function whyNot({ node, users, varz, all }: Seen, principal: Principal, current: string, next: string): Answer<never> | undefined {
  const ours = principal.ours(users)
  const [now, idle] = [ours.find(({ id }) => id === current), ours.find(({ id }) => id === next)]
  if (now === undefined) return missing(users, principal, current)
  if (now.state === 'off') return refused('CREDENTIAL_REJECTED', `${current} is in a comment of ${node.file}`)
  if (principal.strategy === 'alternate' && idle?.state === 'on') {
    const uses = countOf(all, next)
    return refused('PRINCIPAL_IN_USE', uses > 0 ? `${next} has ${uses} connections at ${node.name}` : `${next} may log in at ${node.name}, so somebody may have its password: if nobody has, take it out of ${node.file}`)
  }
  const others = ours.filter(({ id, state }) => id !== current && state === 'on')
  if (principal.strategy === 'overlap' && others.length > 0) return refused('SLOTS_FULL', `${others.length + 1} keys of ${principal.name} are on in ${node.file}: take those out that nobody uses`)
  const own = countOf(all, current)
  const { connections: open, max_connections: most } = varz
  // While consumers are replaced, old and new connections are open together, and a probe comes beside them.
  if (open + Math.max(own, 1) > most) return refused('SLOTS_FULL', `${node.name} takes ${most} connections, has ${open}, and ${own} of them move`, { open, own, most })
  return undefined
}

function countOf(all: readonly Connection[], id: string): number {
  return usesOf(all, id).reduce((sum, { count }) => sum + count, 0)
}
