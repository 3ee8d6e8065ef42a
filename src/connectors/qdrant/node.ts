import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, done, label, refused, unknown } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import type { Verdict } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { disk, loadContent, locate, saveContent, type Way } from '../../outside/file/index.ts'
import { request } from '../../outside/http/index.ts'
import { runChild, succeeded } from '../../outside/process/index.ts'
import { type Format, type Keys, readKeys, writeKeys } from './keys.ts'
import type { IssuerConfig } from './manifest.ts'

const LOOK_MS = 50

/** One node with its file. */
export interface Node {
  readonly name: string
  /** Without a slash at its end. */
  readonly url: string
  /** Absolute. */
  readonly file: string
  readonly format: Format
  readonly write: Way
  /** Has it start anew. */
  readonly command: readonly string[]
  /** A folder, for the command. */
  readonly base: string
}

export function nodesOf({ nodes, format, write = 'replace' }: IssuerConfig, { base }: Pick<Host, 'base'>): readonly Node[] {
  return nodes.map((node) => ({ name: node.name, url: node.url.replace(/\/+$/, ''), file: locate(node.file, base), command: node.restart, format, write, base }))
}

export interface Loaded {
  readonly keys: Keys
  readonly text: string
  readonly revision: string
}

/** The keys in the file of a node. */
export async function loadKeys({ file, format, write }: Node): Promise<Answer<Loaded>> {
  const content = await loadContent(file, write, disk)
  if (content.is !== 'done') return content
  // Byte for byte, whatever a comment holds.
  const text = content.value.bytes.toString('latin1')
  const keys = readKeys(text, format)
  return keys === undefined
    ? refused('STORE_UNFIT', `${file}: a key of \`service\` stands there twice, or in a form other than one line with plain or quoted text`)
    : done({ keys, text, revision: content.value.revision })
}

/** Puts exactly these keys into the file; CONFLICT when it is not what was read any more. */
export async function saveKeys(node: Node, { text, revision }: Loaded, keys: Keys, call: Call): Promise<Answer<unknown>> {
  const next = writeKeys(text, node.format, keys)
  if (next === undefined) return refused('STORE_UNFIT', node.file)
  return saveContent({ path: node.file, bytes: Buffer.from(next, 'latin1'), ifRevision: revision, way: node.write }, call, disk)
}

/**
 * Whether a node lets a key in, by the list of collections: 401 is the verdict of its authentication. `/`, `/healthz`, `/readyz` and
 * `/livez` ask for no key. A read-only key has to be refused what changes something (403): dropping a collection that does not exist.
 */
export async function ask(node: Node, key: Secret, readOnly: boolean, call: Call): Promise<Answer<Verdict>> {
  const read = await request({ method: 'GET', url: `${node.url}/collections`, headers: { 'api-key': key } }, call)
  if (read.is !== 'done') return read
  const code = String(read.value.status)
  if (read.value.status === 401) return done({ verdict: 'rejected', code })
  if (read.value.status !== 200) return done({ verdict: 'inconclusive', code })
  if (!readOnly) return done({ verdict: 'accepted', code })
  const written = await request({ method: 'DELETE', url: `${node.url}/collections/keyturn-never-made`, headers: { 'api-key': key } }, call)
  if (written.is !== 'done') return written
  return done(written.value.status === 403 ? { verdict: 'accepted', code } : { verdict: 'inconclusive', code: `may-write:${written.value.status}` })
}

/** The version of a node, which it tells everybody; and its clock. Refused when it does not answer: nothing is changed by asking. */
export async function look(node: Node, call: Call): Promise<Answer<{ readonly version: string; readonly clock: number | undefined }>> {
  const answer = await request({ method: 'GET', url: `${node.url}/` }, call)
  if (answer.is !== 'done') return answer.is === 'unknown' ? refused(answer.code, answer.about, answer.evidence) : answer
  if (answer.value.status !== 200) return refused('UNREACHABLE', node.name, { status: answer.value.status })
  return done({ version: /"version"\s*:\s*"(\d+\.\d+\.\d+[^"]*)"/.exec(answer.value.text)?.[1] ?? '', clock: answer.value.date })
}

/** When the node was started, unix ms by its clock; NaN when it does not tell (`/telemetry`, which any of its keys may read). */
export async function startedAt(node: Node, key: string, call: Call): Promise<number> {
  const answer = await request({ method: 'GET', url: `${node.url}/telemetry`, headers: { 'api-key': new Secret(key) } }, call)
  return answer.is === 'done' ? Date.parse(/"startup"\s*:\s*"([^"]+)"/.exec(answer.value.text)?.[1] ?? '') : NaN
}

/**
 * Has the node start anew and waits until it is ready. Done when it is; a command that fails, and a node that does not come back before
 * the deadline, are `unknown`.
 */
export async function restart({ name, url, command: argv, base }: Node, call: Call): Promise<Answer<void>> {
  const ran = succeeded(await runChild({ argv, cwd: base, quiet: true, lock: call.lock }, call), `restart of ${label(name)}`)
  if (ran.is !== 'done') return ran
  while (!call.signal.aborted) {
    const ready = await request({ method: 'GET', url: `${url}/readyz` }, call)
    if (ready.is === 'done' && ready.value.status === 200) return done(undefined)
    await pause(LOOK_MS, undefined, { signal: call.signal }).catch(() => undefined)
  }
  return unknown('DEADLINE', `${label(name)} was restarted and is not ready`)
}
