import { ALNUM, generate } from '../../kit/generate.ts'
import { type Answer, type Call, type Credential, done, label, type Preflight, refused, Secret, unknown, type Verdict } from '../../kit/index.ts'
import { disk, inspectPlace } from '../../outside/file/index.ts'
import { contradiction, probePair, type Shown } from '../../outside/probe-pair.ts'
import { findCommand } from '../../outside/process/index.ts'
import { full } from './mint.ts'
import { ask, loadKeys, look, type Node } from './node.ts'
import type { Principal } from './principal.ts'

/** Whether mint and set would work, by what can be read. Changes nothing. */
export async function lookAhead(nodes: readonly Node[], principal: Principal, current: Credential, call: Call): Promise<Answer<Preflight>> {
  const [versions, notices] = [new Set<string>(), new Set<string>()]
  for (const node of nodes) {
    const there = await look(node, call)
    if (there.is !== 'done') return there
    const old = whyOld(there.value.version, principal)
    if (old !== undefined) return refused('PRECONDITION_FAILED', `${node.name} ${old}`)
    versions.add(there.value.version)
    const bad = await whyNot(node, principal, current)
    if (bad !== undefined) return bad
    if (findCommand(node.command[0] ?? '', node.base, process.env['PATH'] ?? '') === undefined) return refused('COMMAND_MISSING', `restart of ${node.name}`)
  }
  for (const file of new Set(nodes.map((node) => node.file))) {
    const place = await inspectPlace(file, nodes[0]?.write ?? 'replace', disk, call)
    if (place.is !== 'done') return place
    for (const notice of place.value.notices) notices.add(notice)
  }
  const unproven = await proveProbe(current, nodes, principal.readOnly, call)
  if (unproven !== undefined) return unproven
  const evidence = { server: label([...versions].join('+')), nodes: nodes.length }
  return done({ evidence, fenced: false, notices: [...told(nodes, principal), ...notices] })
}

/** The second key came with 1.17.0. */
function whyOld(version: string, { overlap }: Principal): string | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(version) ?? []
  if (!overlap || Number(major) > 1 || Number(minor) >= 17) return undefined
  return `is Qdrant ${label(version)}, which has one key: alt_api_key came with 1.17; write \`strategy: in-place\``
}

async function whyNot(node: Node, principal: Principal, current: Credential): Promise<Answer<never> | undefined> {
  const loaded = await loadKeys(node)
  if (loaded.is !== 'done') return loaded
  const { keys } = loaded.value
  const value = current.fields['key']?.reveal()
  if (value === undefined || !principal.places.some((place) => keys[place] === value)) {
    return refused('PRECONDITION_FAILED', `${node.file} of ${node.name} does not hold the key that is in use: name the file from which it is taken`)
  }
  return principal.overlap && principal.places.every((place) => keys[place] !== undefined) ? full(node) : undefined
}

function told(nodes: readonly Node[], { overlap, readOnly }: Principal): readonly string[] {
  return [
    'unfenced: a file cannot compare; one run at a time is held by its revision',
    'Qdrant does not show who uses a key: uses of the old one are not seen (set `quiet: 0s`, or acknowledge)',
    `every node is restarted ${overlap ? 'twice in a rotation, when the new key is added and when the old one is taken out' : 'once in a rotation'}, one after another`,
    ...(nodes.length === 1 ? ['there is one node: requests fail while it restarts'] : ['collections without a replica on another node do not answer while theirs restarts']),
    ...(readOnly ? [] : ['tokens (JWT) that were signed with the old key end with it: make new ones with the new key']),
    ...(nodes.some(({ url }) => url.startsWith('http:')) ? ['keys cross the connection without TLS: use https'] : []),
  ]
}

/** See {@link probePair}: at every node, with a key that nobody has. Undefined when a verdict means something. */
function proveProbe(current: Credential, nodes: readonly Node[], readOnly: boolean, call: Call): Promise<Answer<never> | undefined> {
  const shown = { current: current.fields['key'] ?? new Secret(''), wrong: new Secret(generate(ALNUM, 48)) }
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const probe = async (which: Shown, name: string): Promise<Answer<Verdict>> => {
    const node = byName.get(name)
    return node === undefined ? refused('USAGE', `there is no node ${name}`) : ask(node, shown[which], readOnly, call)
  }
  return probePair(byName.keys(), probe, notWanted)
}

function notWanted(seen: Verdict, name: string, wanted: 'accepted' | 'rejected'): Answer<never> {
  const evidence = { endpoint: label(name), code: label(seen.code) }
  if (seen.code.startsWith('may-write') && wanted === 'accepted') return refused('PRECONDITION_FAILED', `${name}: the key may change things, so it is no read-only one`, evidence)
  if (seen.verdict === 'accepted' || seen.code.startsWith('may-write')) return refused('PROBE_MEANINGLESS', `${name} asks for no key (service.api_key is not set there)`, evidence)
  return contradiction(seen, name) ?? unknown('UNREACHABLE', name, evidence)
}
