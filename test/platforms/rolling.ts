import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { until } from '../../demo/until.ts'
import { processMark } from '../../src/outside/process/index.ts'

/** Where an instance runs: what `run/NAME.json` of a platform's folder says when it is ready. */
export interface Placed {
  readonly pid: number
  readonly port: number
}

export function placeOf(folder: string, name: string): Placed | undefined {
  const file = join(folder, 'run', `${name}.json`)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Placed) : undefined
}

/**
 * Has a service take its values anew as one does it that may not be missed: the new instance is started with the env file of now, and only
 * when it is ready the one before it is told to end, and waited for. Throws when it does not become ready; the one before it goes on then.
 */
export async function roll(program: string, folder: string, name: string): Promise<void> {
  const before = placeOf(folder, name)
  const env = parseEnv(readFileSync(join(folder, '.env'), 'utf8'))
  const child = spawn(process.execPath, [program, name, folder], { env: { ...env, PATH: process.env['PATH'] }, detached: true, stdio: 'ignore' })
  child.unref()
  await until(`${name} is ready`, 20_000, () => {
    if (child.exitCode !== null) throw new Error(`${name} ended at once`)
    return placeOf(folder, name)?.pid === child.pid ? true : undefined
  })
  if (before === undefined) return
  process.kill(before.pid, 'SIGTERM')
  await until(`the ${name} before it has ended`, 20_000, () => (processMark(before.pid) === undefined ? true : undefined))
}
