import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../demo/until.ts'

/** One run of the command line that has ended. */
export interface Ran {
  readonly args: readonly string[]
  /** Absent when a signal ended it. */
  readonly code: number | undefined
  readonly signal: NodeJS.Signals | undefined
  readonly out: string
  readonly err: string
  /** Both, for messages: `out` first. */
  readonly said: string
  /** What `--json` printed: the whole of stdout as one document. Throws when it is anything else. */
  json(): unknown
}

/** One run that goes on. */
export interface Running {
  readonly pid: number
  /** Waits until it has printed this. */
  saw(pattern: RegExp): Promise<void>
  /** Waits until it is stopped by SIGSTOP, as `KEYTURN_REHEARSE=stop:...` has it do. */
  stopped(): Promise<void>
  send(signal: NodeJS.Signals): void
  readonly end: Promise<Ran>
}

export interface RunSetting {
  /** `bin/keyturn.js` of a package; of this checkout, which runs from its sources, when absent. */
  readonly launcher?: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Modules that are loaded before the command line's own code. */
  readonly before?: readonly string[]
}

const checkout = join(import.meta.dirname, '..', '..', 'bin', 'keyturn.js')

/** Starts `keyturn ARGUMENTS` as a process of its own, with this environment and nothing of ours beside PATH and HOME. */
export function startKeyturn(args: readonly string[], setting: RunSetting): Running {
  const imports = (setting.before ?? []).flatMap((name) => ['--import', new URL(name, import.meta.url).href])
  const env = Object.fromEntries(Object.entries({ PATH: process.env['PATH'], HOME: process.env['HOME'], ...setting.env })
    .filter(([, value]) => value !== undefined))
  const child = spawn(process.execPath, [...imports, setting.launcher ?? checkout, ...args], {
    cwd: setting.cwd, env, stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { err += text })
  const pid = child.pid ?? 0
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null
  const end = once(child, 'close').then((): Ran => ({
    args, out, err, said: `${out}${err}`, code: child.exitCode ?? undefined, signal: child.signalCode ?? undefined,
    json: () => JSON.parse(out) as unknown,
  }))
  return {
    pid,
    end,
    saw: async (pattern) => {
      await until(`keyturn ${args.join(' ')} prints ${pattern}`, 30_000, () => {
        if (pattern.test(`${out}${err}`)) return true
        if (ended()) throw new Error(`keyturn ${args.join(' ')} ended without printing ${pattern}:\n${out}${err}`)
        return undefined
      })
    },
    stopped: async () => {
      await until(`keyturn ${args.join(' ')} stops`, 30_000, () => {
        if (ended()) throw new Error(`keyturn ${args.join(' ')} ended:\n${out}${err}`)
        return /^State:\tT/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')) ? true : undefined
      })
    },
    send: (signal) => { child.kill(signal) },
  }
}
