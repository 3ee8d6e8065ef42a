import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call, Ms } from '../../kit/call.ts'
import { reduceCause } from '../../kit/error.ts'
import type { Secret } from '../../kit/secret.ts'
import { childEnvironment } from './environment.ts'
import { type Lock, takeLock } from './lock.ts'
import { Ring } from './ring.ts'

/** A child has this long between SIGTERM and SIGKILL, or a tenth of its time when that is less. */
export const GRACE: Ms = 1_000
/** A daemon that was started may keep the pipes open; what the command itself wrote has arrived by then. */
const DRAIN: Ms = 100
const KEPT_CHARACTERS = 64 * 1024

export interface Child {
  /** The command and its arguments as they are: no shell reads them. Everybody on the machine can see them: never a value. */
  readonly argv: readonly string[]
  /** Absolute. */
  readonly cwd: string
  /** Added to the allow-list of {@link childEnvironment}; a `Secret` only because the configuration asks for it by name. */
  readonly env?: Readonly<Record<string, string | Secret>>
  /** Written to its standard input, which is then closed. Absent: nothing to read. */
  readonly stdin?: Secret
  /** Nothing that it prints is kept, or even read. For commands that handle values. */
  readonly quiet?: boolean
  /**
   * Told everything that it prints, as it comes; then nothing is kept. The command is done when both of its streams have ended:
   * one that leaves a daemon behind with them is so at the deadline. Must not throw.
   */
  readonly hear?: (stream: 'stdout' | 'stderr', chunk: Buffer) => void
  /** Where a successor looks for it after this process was killed: see {@link orphanAlive}. For effects, not for looks. */
  readonly lock?: string | undefined
}

/** How a child ended by itself. */
export interface ChildEnd {
  /** Its exit code; 128 and the number of the signal when a signal ended it, as shells count. */
  readonly exit: number
  readonly took: Ms
  /** The end of what it printed, at most 64 Ki characters per stream, as it came: to be matched, never to be passed on. */
  readonly stdout: string
  readonly stderr: string
  /** Whether `stdout` is everything that it printed. */
  readonly complete: boolean
}

/**
 * Runs a command until it ends or the deadline comes: SIGTERM to its process group shortly before, SIGKILL at the deadline (or
 * when the signal aborts earlier). Only what stays in the group is ended. What a command leaves running when it ends is left
 * alone.
 *
 * Answers `done` with any exit code (see {@link succeeded}), `refused` COMMAND_MISSING when it could not be started, `unknown`
 * DEADLINE when it was ended. Never throws.
 */
export async function runChild(child: Child, call: Pick<Call, 'signal' | 'deadline'>): Promise<Answer<ChildEnd>> {
  const [command, ...args] = child.argv
  if (command === undefined) return refused('COMMAND_MISSING')
  const about = command.slice(command.lastIndexOf('/') + 1)
  if (call.signal.aborted) return refused('DEADLINE', about)
  let lock: Lock | undefined
  try {
    lock = child.lock === undefined ? undefined : takeLock(child.lock, call.deadline)
  } catch (thrown) {
    return refused('STATE_FULL', 'the lock of a command', { cause: causeLabel(thrown) })
  }
  try {
    return await follow(start(child, command, args, lock), child, lock, call, about)
  } catch (thrown) {
    return refused('COMMAND_MISSING', about, { cause: causeLabel(thrown) })
  } finally {
    lock?.release()
  }
}

function causeLabel(thrown: unknown): string {
  const { name, code } = reduceCause(thrown)
  return code ?? name
}

function start(child: Child, command: string, args: readonly string[], lock: Lock | undefined): ChildProcess {
  const out = child.quiet === true ? 'ignore' : 'pipe'
  return spawn(command, args, {
    cwd: child.cwd,
    env: childEnvironment(process.env, child.env),
    // Its own group, so that its children end with it and a Ctrl-C on our terminal does not reach it.
    detached: true,
    stdio: [child.stdin === undefined ? 'ignore' : 'pipe', out, out, ...(lock === undefined ? [] : [lock.fd])],
  })
}

/** Throws what spawn says when nothing was started, and nothing after that. */
async function follow(
  running: ChildProcess,
  { stdin, hear }: Pick<Child, 'stdin' | 'hear'>,
  lock: Lock | undefined,
  call: Pick<Call, 'signal' | 'deadline'>,
  about: string,
): Promise<Answer<ChildEnd>> {
  const began = Date.now()
  const { pid } = running
  if (pid === undefined) {
    const [thrown]: unknown[] = await once(running, 'error')
    throw thrown
  }
  const exited = new Promise<number>((resolve) => {
    running.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
  const closed = new Promise<void>((resolve) => running.once('close', () => resolve()))
  const rings = { stdout: new Ring(KEPT_CHARACTERS), stderr: new Ring(KEPT_CHARACTERS) }
  for (const stream of ['stdout', 'stderr'] as const) {
    running[stream]?.on('data', (chunk: Buffer) => (hear === undefined ? rings[stream].add(chunk) : hear(stream, chunk)))
  }

  let stopped: 'DEADLINE' | 'STATE_FULL' | undefined
  const stop = (signal: 'SIGTERM' | 'SIGKILL', why: 'DEADLINE' | 'STATE_FULL' = 'DEADLINE'): void => {
    stopped ??= why
    signalGroup(pid, signal)
  }
  const letGo = (): void => {
    running.stdout?.destroy()
    running.stderr?.destroy()
  }
  const kill = (): void => {
    stop('SIGKILL')
    letGo()
  }
  const left = Math.max(0, call.deadline - began)
  const timers = [setTimeout(() => stop('SIGTERM'), left - Math.min(GRACE, left / 10)), setTimeout(kill, left)]
  call.signal.addEventListener('abort', kill, { once: true })
  try {
    lock?.name(pid)
    if (running.stdin !== null && stdin !== undefined) feed(running.stdin, stdin)
  } catch {
    // A child that nobody could find again must not go on.
    stop('SIGKILL', 'STATE_FULL')
  }
  const exit = await exited
  if (hear !== undefined) await closed
  for (const timer of timers) clearTimeout(timer)
  call.signal.removeEventListener('abort', kill)
  // The leader is gone; what it started and did not end in time goes with it.
  if (stopped !== undefined) signalGroup(pid, 'SIGKILL')
  await Promise.race([closed, wait(DRAIN, undefined, { ref: false })])
  letGo()
  if (stopped !== undefined) return unknown(stopped, about)
  const { stdout, stderr } = rings
  return done({ exit, took: Date.now() - began, stdout: stdout.text, stderr: stderr.text, complete: stdout.complete })
}

/** The only place where a value leaves for a child's input. */
function feed(stdin: Writable, value: Secret): void {
  // A command that ends without reading breaks the pipe (EPIPE); its exit code says what there is to say.
  stdin.on('error', () => stdin.destroy())
  stdin.end(value.reveal())
}

/** Sends a signal to a child and to what it started, as far as it stayed in its group. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // Nothing of the group is left, or what is left became another user (sudo) and ends by itself.
  }
}

/** Takes exit code 0 for success; another one leaves open what was done before it, so it is `unknown`. */
export function succeeded(answer: Answer<ChildEnd>, about: string): Answer<ChildEnd> {
  if (answer.is !== 'done' || answer.value.exit === 0) return answer
  return unknown('COMMAND_FAILED', about, { exit: answer.value.exit, took: answer.value.took })
}
