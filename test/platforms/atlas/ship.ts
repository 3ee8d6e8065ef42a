import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { until } from '../../../demo/until.ts'
import { processMark } from '../../../src/outside/process/index.ts'

// What the Makefile of the platform runs: `node ship.ts FOLDER TARGET`. A service is shipped as one does it that may not be missed: the new
// instance is started with the env file of now, and only when it is ready the one before it is told to end, and waited for.

const [folder = '.', target = ''] = process.argv.slice(2)
const SERVICES: Readonly<Record<string, readonly string[]>> = { 'ship-services': ['gateway', 'graphsync', 'resolver'], 'ship-planner': ['planner'] }

interface Placed { readonly pid: number; readonly port: number }

function placeOf(name: string): Placed | undefined {
  const file = join(folder, 'run', `${name}.json`)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Placed) : undefined
}

async function ship(name: string): Promise<void> {
  const before = placeOf(name)
  const env = parseEnv(readFileSync(join(folder, '.env'), 'utf8'))
  const program = fileURLToPath(new URL('service.ts', import.meta.url))
  const child = spawn(process.execPath, [program, name, folder], { env: { ...env, PATH: process.env['PATH'] }, detached: true, stdio: 'ignore' })
  child.unref()
  await until(`${name} is ready`, 20_000, () => {
    if (child.exitCode !== null) throw new Error(`${name} ended at once`)
    return placeOf(name)?.pid === child.pid ? true : undefined
  })
  if (before === undefined) return
  process.kill(before.pid, 'SIGTERM')
  await until(`the ${name} before it has ended`, 20_000, () => (processMark(before.pid) === undefined ? true : undefined))
}

async function isWell(): Promise<boolean> {
  if (existsSync(join(folder, 'run', 'red'))) return false
  const all = await Promise.all(Object.values(SERVICES).flat().map(async (name) => (await fetch(`http://127.0.0.1:${placeOf(name)?.port ?? 1}/readyz`)).ok))
  return all.every(Boolean)
}

if (target === 'doctor') process.exitCode = (await isWell()) ? 0 : 1
else if (target === 'ship-ontology') process.exitCode = (await fetch(`http://127.0.0.1:${placeOf('graphsync')?.port ?? 1}/work/token`)).ok ? 0 : 1
else await Promise.all((SERVICES[target] ?? []).map(ship))
