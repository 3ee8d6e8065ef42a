import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Call } from '../../kit/call.ts'
import type { Secret } from '../../kit/secret.ts'
import { type Container, parsed } from './container.ts'
import { type Engine, succeeded } from './engine.ts'

/**
 * Run inside with a nonce and names: one line for each name, the SHA-256 of nonce, value and line feed, or `none`. The value goes
 * from `/proc/1/environ` (proc(5)) into a pipe and nowhere else. Zero bytes and line feeds change places first, so that a value
 * with a line feed is still one line. Runs with dash, bash and busybox.
 */
const LOOK = `LC_ALL=C; export LC_ALL; n=$1; shift
lines() { tr '\\000\\n' '\\n\\001' </proc/1/environ; }
lines >/dev/null || exit 3
for k; do
  if lines | grep -q "^$k="; then { printf %s "$n"; lines | sed -n "s/^$k=//p" | head -n 1; } | sha256sum; else echo none; fi
done`

/** What {@link LOOK} says of a value. Salted with the nonce: it means nothing anywhere else, or at another time. */
export function fingerprintOf(nonce: string, value: Secret): string {
  return createHash('sha256').update(`${nonce}${value.reveal().replaceAll('\n', '\u0001')}\n`).digest('hex')
}

/**
 * Fingerprints of those of these entries that the first process of the container was started with, found out by a command inside it,
 * as the container's own user. Undefined when that cannot be: no shell or no `sha256sum`, another user's process, or the first
 * process that it sees is not its own.
 */
export async function lookInside(engine: Engine, { Id, HostConfig }: Container, nonce: string, keys: readonly string[], call: Call): Promise<ReadonlyMap<string, string> | undefined> {
  // It sees the machine's processes, or those of another container.
  if (HostConfig.PidMode !== '') return undefined
  const Cmd = ['sh', '-c', LOOK, 'sh', nonce, ...keys]
  const made = succeeded(await engine.ask('POST', `/containers/${Id}/exec`, call, { AttachStdout: true, AttachStderr: false, Tty: false, Cmd }), 'exec')
  const exec = made.is === 'done' ? parsed(z.looseObject({ Id: z.string().regex(/^[0-9a-f]+$/) }), made.value) : made
  if (exec.is !== 'done') return undefined
  const ran = succeeded(await engine.ask('POST', `/exec/${exec.value.Id}/start`, call, { Detach: false, Tty: false }), 'exec')
  const looked = succeeded(await engine.ask('GET', `/exec/${exec.value.Id}/json`, call), 'exec')
  if (ran.is !== 'done' || looked.is !== 'done') return undefined
  const ended = parsed(z.looseObject({ ExitCode: z.int().nullable() }), looked.value)
  const lines = stdoutOf(ran.value).split('\n').slice(0, -1)
  if (ended.is !== 'done' || ended.value.ExitCode !== 0 || lines.length !== keys.length) return undefined
  const found = keys.map((key, at) => [key, lines[at]?.split(' ')[0] ?? ''] as const).filter(([, line]) => line !== 'none')
  return found.every(([, line]) => /^[0-9a-f]{64}$/.test(line)) ? new Map(found) : undefined
}

/** Frames of eight bytes, the first of which is the stream and the last four the length, and what they announce (`ContainerAttach`). */
function stdoutOf(body: Buffer): string {
  const pieces: Buffer[] = []
  for (let at = 0; at + 8 <= body.length;) {
    const end = at + 8 + body.readUInt32BE(at + 4)
    if (body[at] === 1) pieces.push(body.subarray(at + 8, end))
    at = end
  }
  return Buffer.concat(pieces).toString('utf8')
}
