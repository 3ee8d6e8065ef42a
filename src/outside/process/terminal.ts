import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call, Ms } from '../../kit/call.ts'
import { reduceCause } from '../../kit/error.ts'
import type { Secret } from '../../kit/secret.ts'
import { isLike } from '../anchored.ts'
import { findCommand } from './command.ts'
import { childEnvironment } from './environment.ts'
import { type Lock, takeLock } from './lock.ts'
import { GRACE, signalGroup } from './run.ts'

/** The package that opens pseudo-terminals: prebuilt, so nothing is compiled where it is installed. An optional peer. */
export const TERMINALS = '@lydell/node-pty'

/** So long it is waited for what usually comes at once: see {@link Asking.patience}. */
const PATIENCE_MS: Ms = 2_000
const LOOK_MS: Ms = 20

const QUESTION = /[:?>\])]$/

/** So much of a line that does not end is kept. */
const LINE = 1_024

/** One question that a program asks, and what is typed then. */
export interface Question {
  /** A regular expression that describes the whole line of the question; white space at its end does not count. */
  readonly prompt: string
  /** Typed with Enter after it. */
  readonly answer: Secret
  /** Nobody may see it: it is typed only when the terminal does not echo. */
  readonly hidden: boolean
}

/** A program that asks on its terminal. */
export interface Asking {
  /** The command and its arguments as they are. Everybody on the machine can see them: never a value. */
  readonly argv: readonly string[]
  /** Absolute. */
  readonly cwd: string
  readonly env?: Readonly<Record<string, string | Secret>>
  /** In the order in which it asks them. */
  readonly questions: readonly Question[]
  /**
   * How long a line may stand there that looks like a question before it is one that nobody expected, and how long after a question
   * the echo may be turned off. Two seconds when absent.
   */
  readonly patience?: Ms
  /** As of a child without a terminal: where a successor looks for it. */
  readonly lock?: string | undefined
}

/** How it ended by itself, after it had asked everything. */
export interface AskedAll {
  readonly exit: number
  readonly took: Ms
  readonly asked: number
}

/** What is missing on this machine to give programs a terminal; done when nothing is. */
export async function terminalsReady(path: string): Promise<Answer<void>> {
  if (findCommand('stty', '/', path) === undefined) return refused('COMMAND_MISSING', 'stty, which shows whether a terminal echoes')
  const pty = await load()
  return pty.is === 'done' ? done(undefined) : pty
}

/**
 * Runs a program on a terminal of its own, answers what it asks, and waits until it ends. What it prints is matched with the prompts and
 * kept nowhere. Something that was typed may have had an effect, so whatever goes wrong after that is `unknown`, and before that
 * `refused`: another question than the next one, an echo where a hidden answer is asked for, an end before everything was asked, an
 * exit code but 0, the deadline. Never throws.
 */
export async function runOnTerminal(child: Asking, call: Pick<Call, 'signal' | 'deadline'>): Promise<Answer<AskedAll>> {
  const [command] = child.argv
  if (command === undefined) return refused('COMMAND_MISSING')
  const about = command.slice(command.lastIndexOf('/') + 1)
  if (call.signal.aborted) return refused('DEADLINE', about)
  const env: Record<string, string> = { ...childEnvironment(process.env, child.env), TERM: 'dumb' }
  if (findCommand(command, child.cwd, env['PATH'] ?? '') === undefined) return refused('COMMAND_MISSING', about)
  const pty = await load()
  if (pty.is !== 'done') return pty
  let lock: Lock | undefined
  try {
    lock = child.lock === undefined ? undefined : takeLock(child.lock, call.deadline)
  } catch (thrown) {
    return refused('STATE_FULL', 'the lock of a command', { cause: reduceCause(thrown).code ?? '' })
  }
  try {
    // The child of a terminal gets no other handles: a shell opens the lock for it and becomes it.
    const argv = child.lock === undefined ? child.argv : ['/bin/sh', '-c', 'exec 3<"$0"; exec "$@"', child.lock, ...child.argv]
    return await new Dialogue(pty.value.spawn(argv[0] ?? '', argv.slice(1), { cwd: child.cwd, env, cols: 500, rows: 24 }), lock, about, child.patience ?? PATIENCE_MS).hold(child.questions, call)
  } catch (thrown) {
    return refused('COMMAND_MISSING', about, { cause: reduceCause(thrown).code ?? reduceCause(thrown).name })
  } finally {
    lock?.release()
  }
}

/** The part of the package that is used here. */
interface Pty {
  spawn(file: string, args: string[], options: { cwd: string; env: Record<string, string>; cols: number; rows: number }): Terminal
}

interface Terminal {
  readonly pid: number
  /** The path of the terminal that the program has; the package knows it and does not say so in its types. */
  readonly ptsName?: string
  onData(listener: (data: string) => void): unknown
  onExit(listener: (end: { exitCode: number; signal?: number }) => void): unknown
  write(data: string): void
}

async function load(): Promise<Answer<Pty>> {
  try {
    return done(await import('@lydell/node-pty'))
  } catch (thrown) {
    // The package is there without the part for this platform, or not at all.
    return refused('PACKAGE_MISSING', `${TERMINALS} (npm install ${TERMINALS})`, { cause: reduceCause(thrown).code ?? '' })
  }
}

/** One run: what is on the line now, and how far it came. */
class Dialogue {
  readonly #terminal: Terminal
  readonly #about: string
  readonly #patience: Ms
  readonly #began = Date.now()
  readonly #ended: Promise<void>
  #exit: number | undefined
  #line = ''
  #movedAt = Date.now()
  #typed = 0
  #stopped = false

  constructor(terminal: Terminal, lock: Lock | undefined, about: string, patience: Ms) {
    this.#terminal = terminal
    this.#about = about
    this.#patience = patience
    this.#ended = new Promise((resolve) => {
      terminal.onExit(({ exitCode, signal = 0 }) => {
        this.#exit = signal === 0 ? exitCode : 128 + signal
        resolve()
      })
    })
    terminal.onData((data) => {
      const lines = `${this.#line}${data}`.split(/[\r\n]/)
      this.#line = (lines.at(-1) ?? '').slice(-LINE)
      this.#movedAt = Date.now()
    })
    try {
      lock?.name(terminal.pid)
    } catch {
      // A child that nobody could find again must not go on.
      this.#stop('SIGKILL')
    }
  }

  async hold(questions: readonly Question[], call: Pick<Call, 'signal' | 'deadline'>): Promise<Answer<AskedAll>> {
    const left = Math.max(0, call.deadline - this.#began)
    const timers = [setTimeout(() => this.#stop('SIGTERM'), left - Math.min(GRACE, left / 10)), setTimeout(() => this.#stop('SIGKILL'), left)]
    const kill = (): void => this.#stop('SIGKILL')
    call.signal.addEventListener('abort', kill, { once: true })
    try {
      const fault = await this.#answerAll(questions)
      if (fault !== undefined) {
        this.#stop('SIGKILL')
        await this.#ended
        return this.#failed('COMMAND_FAILED', `${this.#about} ${fault}`)
      }
      if (this.#stopped) return this.#failed('DEADLINE', this.#about)
      if (this.#exit !== 0) return this.#failed('COMMAND_FAILED', this.#about, { exit: this.#exit ?? -1 })
      return done({ exit: 0, took: Date.now() - this.#began, asked: this.#typed })
    } finally {
      for (const timer of timers) clearTimeout(timer)
      call.signal.removeEventListener('abort', kill)
      // What it started and left on its terminal goes with it.
      if (this.#stopped) signalGroup(this.#terminal.pid, 'SIGKILL')
    }
  }

  /** Until it has ended; in words what was wrong with what it asked. */
  async #answerAll(questions: readonly Question[]): Promise<string | undefined> {
    for (const [index, question] of questions.entries()) {
      const fault = (await this.#until(question)) ?? (question.hidden && !this.#over() && !(await this.#silent()) ? 'shows what is typed where it asks for a value' : undefined)
      if (fault !== undefined || this.#stopped) return fault
      if (this.#exit !== undefined) return `ended (exit code ${this.#exit}) before it asked question ${index + 1} of ${questions.length}`
      this.#line = ''
      this.#movedAt = Date.now()
      this.#typed += 1
      // The only place where a value leaves for a terminal.
      this.#terminal.write(`${question.answer.reveal()}\r`)
    }
    return this.#until(undefined)
  }

  /** Waits for this question, or for the end; another question is a fault. */
  async #until(question: Question | undefined): Promise<string | undefined> {
    while (!this.#over()) {
      const line = stripVTControlCharacters(this.#line).trimEnd()
      if (question !== undefined && isLike(line, question.prompt)) return undefined
      if (QUESTION.test(line) && Date.now() - this.#movedAt >= this.#patience) return question === undefined ? 'asked more than was expected' : `asked something else where question ${this.#typed + 1} was expected`
      await Promise.race([this.#ended, wait(LOOK_MS, undefined, { ref: false })])
    }
    return undefined
  }

  #over(): boolean {
    return this.#exit !== undefined || this.#stopped
  }

  /** Whether the terminal does not echo, looked at until it does not. */
  async #silent(): Promise<boolean> {
    const until = Date.now() + this.#patience
    while (!this.#over()) {
      if ((await echoes(this.#terminal.ptsName)) === false) return true
      if (Date.now() >= until) return false
      await wait(LOOK_MS, undefined, { ref: false })
    }
    return true
  }

  #stop(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#exit !== undefined) return
    this.#stopped = true
    signalGroup(this.#terminal.pid, signal)
  }

  #failed(code: 'COMMAND_FAILED' | 'DEADLINE', about: string, evidence: Readonly<Record<string, number>> = {}): Answer<never> {
    const seen = { ...evidence, asked: this.#typed }
    return this.#typed === 0 ? refused(code, about, seen) : unknown(code, about, seen)
  }
}

/** What stty says of the terminal: POSIX has it print `echo`, or `-echo` while it is off. Undefined when it cannot be asked. */
async function echoes(terminal: string | undefined): Promise<boolean | undefined> {
  if (terminal === undefined) return undefined
  let handle: number
  try {
    handle = openSync(terminal, constants.O_RDWR | constants.O_NOCTTY)
  } catch {
    return undefined
  }
  try {
    const child = spawn('stty', ['-a'], { stdio: [handle, 'pipe', 'ignore'] })
    if (child.pid === undefined || child.stdout === null) {
      await once(child, 'error')
      return undefined
    }
    const said = await text(child.stdout)
    return /(?:^|\s)-echo(?:[\s;]|$)/m.test(said) ? false : /(?:^|\s)echo(?:[\s;]|$)/m.test(said) ? true : undefined
  } finally {
    closeSync(handle)
  }
}
