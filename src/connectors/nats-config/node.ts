import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { reduceCause } from '../../kit/error.ts'
import { type FilePort, disk, loadContent, locate, saveContent, type Way } from '../../outside/file/index.ts'
import type { Server } from '../../outside/nats/index.ts'
import { runChild, succeeded } from '../../outside/process/index.ts'
import type { IssuerConfig, NodeConfig } from './manifest.ts'
import { readVarz } from './monitor.ts'
import { readUsers, type Users } from './users.ts'

/** How long a server gets for reading its configuration again, ms; it takes a few. */
const PATIENCE_MS = 5_000
const LOOK_MS = 25
/** How often a file is read again that somebody else writes at the same moment. */
const TRIES = 5

/** The ways to the machine; tests put faults between. */
export interface Ways {
  readonly port: FilePort
  /** Throws as `process.kill` does. */
  signal(pid: number, name: 'SIGHUP' | 0): void
}

export const ownWays: Ways = { port: disk, signal: (pid, name) => { process.kill(pid, name) } }

/** One server with its file. */
export interface Node {
  readonly name: string
  readonly server: Server
  readonly monitor: string
  /** Absolute. */
  readonly file: string
  /** A folder, for a command. */
  readonly base: string
  readonly write: Way
  readonly reload: { readonly pidFile: string } | { readonly command: readonly string[] }
}

export function nodesOf({ nodes, ca, write = 'replace' }: Pick<IssuerConfig, 'nodes' | 'ca' | 'write'>, { base }: Pick<Host, 'base'>): readonly Node[] {
  return nodes.map(({ name, server, monitor, file, reload }: NodeConfig) => ({
    name, monitor, base, write,
    server: { url: server, ...(ca === undefined ? {} : { ca: resolve(base, ca) }) },
    file: locate(file, base),
    reload: 'pidFile' in reload ? { pidFile: locate(reload.pidFile, base) } : reload,
  }))
}

/** The users in the file of a node. */
export async function loadUsers({ file, write }: Node, { port }: Ways): Promise<Answer<{ readonly users: Users; readonly revision: string }>> {
  const content = await loadContent(file, write, port)
  if (content.is !== 'done') return content
  // Byte for byte, whatever a comment holds.
  const users = readUsers(content.value.bytes.toString('latin1'))
  return users === undefined ? refused('STORE_UNFIT', `${file} is not \`{ "users": [ ... ] }\` in JSON, with comments to the end of a line`) : done({ users, revision: content.value.revision })
}

/** The server's process; refused when it is not to be found, or may not be told anything. */
export async function findProcess({ name, reload }: Node, { port, signal }: Ways): Promise<Answer<number | undefined>> {
  if (!('pidFile' in reload)) return done(undefined)
  try {
    const pid = Number(/^\s*(\d{1,10})\s*$/.exec((await port.read(reload.pidFile)).toString())?.[1])
    // 0 would be our own process group, 1 the system's first process: a broken file must not reach them.
    if (!(pid > 1)) return refused('PRECONDITION_FAILED', `${reload.pidFile} holds no process id`)
    signal(pid, 0)
    return done(pid)
  } catch (thrown) {
    const { code } = reduceCause(thrown)
    if (code === 'EPERM' || code === 'EACCES') return refused('RIGHTS_MISSING', `to send a signal to the server of ${name}, or to read ${reload.pidFile}`)
    return refused('UNREACHABLE', code === 'ENOENT' ? `there is no ${reload.pidFile}: set \`pid_file\` in the configuration of the server` : `the process that ${reload.pidFile} names is not there`)
  }
}

/**
 * Changes the file of a node and has the server read it: done when the server shows that it has (`config_load_time`). It is read again
 * when nothing was to be changed, too: who wrote it may have died before the server was told. `onSend` is called before what may have
 * an effect.
 */
export async function changeNode(node: Node, edit: (users: Users) => Answer<string> | Promise<Answer<string>>, ways: Ways, call: Call, onSend: () => void): Promise<Answer<{ readonly written: boolean }>> {
  const before = await readVarz(node.monitor, call)
  if (before.is !== 'done') return before
  const found = await findProcess(node, ways)
  if (found.is !== 'done') return found
  const saved = await save(node, edit, ways, call, onSend)
  if (saved.is !== 'done') return saved
  onSend()
  const told = await tell(node, found.value, ways, call)
  if (told.is !== 'done') return told
  for (const until = Date.now() + PATIENCE_MS; ;) {
    const now = await readVarz(node.monitor, call)
    if (now.is !== 'done') return now
    if (now.value.config_load_time !== before.value.config_load_time) return saved
    if (Date.now() > until) return unknown('SERVER_ERROR', `${node.name} has not taken its configuration anew and goes on with the one it had: its log says why`)
    if (call.signal.aborted) return unknown('DEADLINE', node.name)
    await pause(LOOK_MS)
  }
}

async function save(node: Node, edit: (users: Users) => Answer<string> | Promise<Answer<string>>, ways: Ways, call: Call, onSend: () => void): Promise<Answer<{ readonly written: boolean }>> {
  for (let tries = 1; ; tries += 1) {
    const now = await loadUsers(node, ways)
    if (now.is !== 'done') return now
    const next = await edit(now.value.users)
    if (next.is !== 'done') return next
    if (next.value === now.value.users.text) return done({ written: false })
    const saved = await saveContent({ path: node.file, bytes: Buffer.from(next.value, 'latin1'), ifRevision: now.value.revision, way: node.write }, call, ways.port)
    if (saved.is !== 'refused') onSend()
    if (saved.is === 'done') return done({ written: true })
    if (saved.is !== 'refused' || saved.code !== 'CONFLICT' || tries === TRIES) return saved
  }
}

async function tell(node: Node, pid: number | undefined, ways: Ways, call: Call): Promise<Answer<unknown>> {
  if ('command' in node.reload) return succeeded(await runChild({ argv: node.reload.command, cwd: node.base, quiet: true, lock: call.lock }, call), node.name)
  try {
    if (pid !== undefined) ways.signal(pid, 'SIGHUP')
    return done(undefined)
  } catch {
    return unknown('UNREACHABLE', `the process of ${node.name} has just ended`)
  }
}
