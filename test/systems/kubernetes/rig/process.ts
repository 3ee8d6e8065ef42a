import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { programOnPath } from '../../parts/program.ts'

/** A program that runs until it is ended. */
export interface Running {
  readonly pid: number
  /** Throws with its last words when it has ended: for the loops that wait for it. */
  alive(): void
  signal(which: 'SIGSTOP' | 'SIGCONT'): void
  /** Ends it, and waits for that. May be repeated. */
  end(): Promise<void>
}

export interface RunningOptions {
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** It ends with its input, and has something to do then; else it is killed. */
  readonly endsWithInput?: true
}

/** Starts a server program, which ends with this process at the latest. */
export function startProcess(program: string, args: readonly string[], { env, cwd, endsWithInput }: RunningOptions): Running {
  // Where there is `setpriv`, the kernel ends it with this process, even when that is killed. The other kind has a group of its own, so
  // that an interrupt from the keyboard is not for it.
  const guard = endsWithInput === true ? undefined : programOnPath('setpriv')
  const [first, ...rest] = guard === undefined ? [program, ...args] as const : [guard, '--pdeathsig=KILL', program, ...args] as const
  const child = spawn(first, rest, { env: { ...env }, cwd, stdio: ['pipe', 'ignore', 'pipe'], detached: endsWithInput === true })
  let said = ''
  let broken: Error | undefined
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said = `${said}${text}`.slice(-4_000) })
  child.on('error', (thrown) => { broken = thrown })
  const ended = (): boolean => broken !== undefined || child.exitCode !== null || child.signalCode !== null
  const end = (): void => {
    if (endsWithInput === true) child.stdin.end()
    else child.kill('SIGKILL')
  }
  process.once('exit', end)
  return {
    pid: child.pid ?? -1,
    alive() {
      if (ended()) throw new Error(`${program} ended (${child.signalCode ?? child.exitCode}): ${said}`, { cause: broken })
    },
    signal: (which) => { child.kill(which) },
    async end() {
      process.off('exit', end)
      if (ended()) return
      const exited = once(child, 'exit')
      end()
      await exited
    },
  }
}
