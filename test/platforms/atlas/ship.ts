import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { placeOf, roll } from '../rolling.ts'

// What the Makefile of the platform runs: `node ship.ts FOLDER TARGET`.

const [folder = '.', target = ''] = process.argv.slice(2)
const SERVICES: Readonly<Record<string, readonly string[]>> = { 'ship-services': ['gateway', 'graphsync', 'resolver'], 'ship-planner': ['planner'] }
const program = fileURLToPath(new URL('service.ts', import.meta.url))

const urlOf = (name: string): string => `http://127.0.0.1:${placeOf(folder, name)?.port ?? 1}`

async function isWell(): Promise<boolean> {
  if (existsSync(join(folder, 'run', 'red'))) return false
  const all = await Promise.all(Object.values(SERVICES).flat().map(async (name) => (await fetch(`${urlOf(name)}/readyz`)).ok))
  return all.every(Boolean)
}

if (target === 'doctor') process.exitCode = (await isWell()) ? 0 : 1
else if (target === 'ship-ontology') process.exitCode = (await fetch(`${urlOf('graphsync')}/work/token`)).ok ? 0 : 1
else await Promise.all((SERVICES[target] ?? []).map((name) => roll(program, folder, name)))
