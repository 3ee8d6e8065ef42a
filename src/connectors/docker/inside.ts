import { z } from 'zod'
import type { Call } from '../../kit/call.ts'
import { fingerprintsIn, lookAtEnvironment } from '../../outside/environ.ts'
import { type Container, parsed } from './container.ts'
import { type Engine, succeeded } from './engine.ts'

/**
 * Fingerprints of those of these entries that the first process of the container was started with, found out by a command inside it,
 * as the container's own user. Undefined when that cannot be: no shell or no `sha256sum`, another user's process, or the first
 * process that it sees is not its own.
 */
export async function lookInside(engine: Engine, { Id, HostConfig }: Container, nonce: string, keys: readonly string[], call: Call): Promise<ReadonlyMap<string, string> | undefined> {
  // It sees the machine's processes, or those of another container.
  if (HostConfig.PidMode !== '') return undefined
  const Cmd = lookAtEnvironment(nonce, keys)
  const made = succeeded(await engine.ask('POST', `/containers/${Id}/exec`, call, { AttachStdout: true, AttachStderr: false, Tty: false, Cmd }), 'exec')
  const exec = made.is === 'done' ? parsed(z.looseObject({ Id: z.string().regex(/^[0-9a-f]+$/) }), made.value) : made
  if (exec.is !== 'done') return undefined
  const ran = succeeded(await engine.ask('POST', `/exec/${exec.value.Id}/start`, call, { Detach: false, Tty: false }), 'exec')
  const looked = succeeded(await engine.ask('GET', `/exec/${exec.value.Id}/json`, call), 'exec')
  if (ran.is !== 'done' || looked.is !== 'done') return undefined
  const ended = parsed(z.looseObject({ ExitCode: z.int().nullable() }), looked.value)
  return ended.is === 'done' && ended.value.ExitCode === 0 ? fingerprintsIn(stdoutOf(ran.value), keys) : undefined
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
