import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Scenery } from './scenery.ts'

/** How one run of the command line ended. */
export interface Ran {
  /** Absent when a signal ended it. */
  readonly code?: number
  readonly signal?: NodeJS.Signals
  /** What it wrote on stdout. */
  readonly output: string
}

export interface RunOptions {
  /** Told every line of stdout and stderr as it comes. */
  readonly onLine?: (line: string) => void
  /** KEYTURN_REHEARSE: what is to fail, e.g. `kill:STEP/POINT`, where keyturn sends itself SIGKILL. */
  readonly rehearse?: string
  /** Ends it at once, wherever it is. */
  readonly signal?: AbortSignal
}

/** Runs `keyturn ARGUMENTS` as a process in the stage's folder; answers when it has ended. Any exit code is an answer. */
export async function runKeyturn(stage: Scenery, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../bin/keyturn.js', import.meta.url)), ...args], {
    cwd: stage.folder,
    env: {
      ...plainEnvironment(),
      ...stage.environment,
      ...(options.rehearse === undefined ? {} : { KEYTURN_REHEARSE: options.rehearse }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  if (options.signal?.aborted === true) kill()
  options.signal?.addEventListener('abort', kill)
  let output = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    output += `${line}\n`
    options.onLine?.(line)
  })
  createInterface({ input: child.stderr }).on('line', (line) => options.onLine?.(line))
  await once(child, 'close')
  options.signal?.removeEventListener('abort', kill)
  return {
    output,
    ...(child.exitCode === null ? {} : { code: child.exitCode }),
    ...(child.signalCode === null ? {} : { signal: child.signalCode }),
  }
}

/** What any program needs; not the settings that this shell may have for keyturn or for PostgreSQL. */
function plainEnvironment(): Record<string, string | undefined> {
  const names = ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR', 'NO_COLOR', 'KEYTURN_DEBUG']
  return Object.fromEntries(names.filter((name) => name in process.env).map((name) => [name, process.env[name]]))
}
