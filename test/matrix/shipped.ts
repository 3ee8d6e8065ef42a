import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import type { Package } from '../servers/package.ts'
import { until } from '../servers/postgres.ts'

/** How one run of the command line ended. */
export interface Ran {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** All of stdout and stderr. */
  readonly output: string
}

/** A run that goes on. */
export interface Running {
  readonly ended: Promise<Ran>
  /** Waits until it has stopped itself; throws when it ends before. */
  stopped(): Promise<void>
  /** Lets one that has stopped itself go on. */
  wake(): void
  /** Ends it at once if it is still there. */
  kill(): void
}

/** The command line of the package. */
export interface Shipped {
  /** Runs `keyturn WORDS` in a folder, with this environment and PATH, no more. */
  start(folder: string, words: readonly string[], env: Readonly<Record<string, string>>): Running
}

/** The command line of this package. */
export function shipped({ launcher, compiled }: Package): Shipped {
  return { start: (at, words, env) => start(launcher, at, words, { NODE_COMPILE_CACHE: compiled, ...env }) }
}

function start(program: string, cwd: string, words: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = spawn(process.execPath, [program, ...words], {
    cwd, env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = (async (): Promise<Ran> => {
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), child.exitCode ?? once(child, 'close')])
    return { code: child.exitCode, signal: child.signalCode, output: `${out}${err}` }
  })()
  const gone = (): boolean => child.exitCode !== null || child.signalCode !== null
  return {
    ended,
    async stopped() {
      await until(() => gone() || isStopped(child.pid ?? 0), `keyturn ${words.join(' ')} did not stop itself`, 60_000)
      if (gone()) throw new Error(`keyturn ${words.join(' ')} ended instead of stopping: ${(await ended).output}`)
    },
    wake: () => { child.kill('SIGCONT') },
    kill: () => { if (!gone()) child.kill('SIGKILL') },
  }
}

/** The third field of proc_pid_stat(5), after the name in brackets: `T` is stopped by a signal. */
function isStopped(pid: number): boolean {
  try {
    return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
