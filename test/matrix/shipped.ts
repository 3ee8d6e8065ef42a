import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { until } from '../servers/postgres.ts'

const root = join(import.meta.dirname, '../..')

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

/** Builds the package into a folder as `npm pack` would ship it, so that it starts from JavaScript as it does for its users. */
export async function shipPackage(folder: string): Promise<Shipped> {
  await mkdir(folder, { recursive: true })
  await cp(join(root, 'bin'), join(folder, 'bin'), { recursive: true })
  await cp(join(root, 'package.json'), join(folder, 'package.json'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const built = spawn(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')], {
    cwd: root, stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said = await text(built.stdout)
  // What tsc thinks of the types is for `npm run typecheck` to tell.
  if (!existsSync(join(folder, 'dist/cli/main.js'))) throw new Error(`the package was not built:\n${said}`)
  const program = join(folder, 'bin/keyturn.js')
  return { start: (at, words, env) => start(program, at, words, { NODE_COMPILE_CACHE: join(folder, 'cache'), ...env }) }
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
