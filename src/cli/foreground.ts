import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StringDecoder } from 'node:string_decoder'
import { KeyturnError, reduceCause, type Secret } from '../kit/index.ts'
import type { Redactor } from '../redact/redact.ts'

/** A command that takes our place. */
export interface Foreground {
  readonly argv: readonly string[]
  /** Its environment begins as this one. */
  readonly from: NodeJS.ProcessEnv
  /** What is added, or takes the place of what is there. */
  readonly variables: ReadonlyMap<string, Secret>
  /** Written to its standard input, which is then closed; ours is its own when absent. */
  readonly stdin?: Secret
  /** Everything that it prints goes through this; its output is ours when absent. */
  readonly mask?: Redactor
}

/** Where the values of others lie, and how keyturn is made to fail: neither is a command's business. */
const OWN = ['KEYTURN_IDENTITY', 'KEYTURN_REHEARSE']

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

/** The keys for these make the terminal itself send them to everybody in the foreground, the command included. */
const FROM_TERMINAL: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT'])

/**
 * Runs the command in our place: our standard input, output and error are its own, our signals are passed on, its exit code is the
 * answer (128 and the number of the signal when one ended it, as shells count). No value is ever in an argument. Throws
 * COMMAND_MISSING when it cannot be started.
 */
export async function runInForeground(command: Foreground): Promise<number> {
  const { argv: [name = '', ...args], mask } = command
  const stop = new AbortController()
  // Before the command is there: it may be known to others before spawn has returned, and a signal that is sent then is its own, too.
  const passTo = forwardSignals(stop.signal)
  try {
    const running = start(command, name, args)
    const ended = new Promise<number>((resolve) => {
      running.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
    })
    passTo(running)
    await once(running, 'spawn').catch((thrown: unknown) => {
      throw notStarted(name, thrown)
    })
    // From now on an error is a signal that may not be sent, to a program that became another user (sudo): that ends by itself.
    running.on('error', () => undefined)
    // One that ends without reading all of it says by its exit code what that means.
    running.stdin?.on('error', () => undefined).end(command.stdin?.reveal())
    const printed = mask === undefined ? [] : [masked(running.stdout, mask, process.stdout), masked(running.stderr, mask, process.stderr)]
    const [code] = await Promise.all([ended, ...printed])
    return code
  } finally {
    stop.abort()
  }
}

function start({ from, variables, mask, stdin }: Foreground, name: string, args: readonly string[]): ChildProcess {
  const env = Object.fromEntries(Object.entries(from).filter(([key]) => !OWN.includes(key)))
  for (const [key, value] of variables) env[key] = value.reveal()
  const out = mask === undefined ? 'inherit' : 'pipe'
  try {
    return spawn(name, args, { env, stdio: [stdin === undefined ? 'inherit' : 'pipe', out, out] })
  } catch (thrown) {
    throw notStarted(name, thrown)
  }
}

/** Node's own words may quote the environment: only its code is kept. */
function notStarted(name: string, thrown: unknown): KeyturnError {
  return new KeyturnError('COMMAND_MISSING', name, { hint: 'Name a program that is on the PATH and may be run; what needs a shell is `sh -c "..."`.', cause: thrown })
}

/** Begins to listen; answers with what is told of the command once it runs. */
function forwardSignals(until: AbortSignal): (running: ChildProcess) => void {
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  let command: ChildProcess | undefined
  for (const signal of FORWARDED) {
    // Also when it is not passed on: whoever waits for the command must not end before it.
    const pass = (): void => {
      if (!onTerminal || !FROM_TERMINAL.has(signal)) command?.kill(signal)
    }
    process.on(signal, pass)
    until.addEventListener('abort', () => process.off(signal, pass), { once: true })
  }
  return (running) => {
    command = running
  }
}

/** Ends when nobody can print any more, as a pipe in a shell does. A reader that went away takes the command's output along. */
async function masked(from: Readable | null, mask: Redactor, to: NodeJS.WriteStream): Promise<void> {
  if (from === null) return
  try {
    await pipeline(from, (chunks: AsyncIterable<Buffer>) => maskedText(chunks, mask), to, { end: false })
  } catch (thrown) {
    if (reduceCause(thrown).code !== 'EPIPE') throw thrown
  }
}

async function* maskedText(chunks: AsyncIterable<Buffer>, mask: Redactor): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  const stream = mask.stream()
  for await (const chunk of chunks) yield stream.push(decoder.write(chunk))
  yield stream.push(decoder.end()) + stream.end()
}
