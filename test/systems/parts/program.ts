import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'

/** Where the PATH has this program; undefined when it does not have it. */
export function programOnPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, name)).find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return statSync(file).isFile()
    } catch {
      return false
    }
  })
}

export interface ProgramRun {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly cwd?: string
  /** All of its environment; ours when absent. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Written to its stdin. */
  readonly input?: string
}

/** Runs a program to its end; any exit code is an answer. Throws when it cannot be started. */
export async function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<ProgramRun> {
  const { cwd, env = process.env, input } = options
  const child = spawn(program, args, { env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'], ...(cwd === undefined ? {} : { cwd }) })
  const ended = new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject))
  // One that does not read its input closes it.
  child.stdin.on('error', () => undefined).end(input)
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, out, err }
}
