import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readAll } from '../../../src/connectors/dotenv/readers/index.ts'
import { LINES } from '../../fixture/env-files.ts'
import { runProgram } from '../parts/program.ts'
import { inFiles } from './folder.ts'
import { proveReader, type RealReader, type RealReading } from './proof.ts'
import { compose } from './system.ts'

const program = await compose.bring()

/** One service for each file; its environment is what the containers would get. No daemon is asked. */
async function readTogether(paths: readonly string[], folder: string): Promise<readonly RealReading[] | undefined> {
  const services = Object.fromEntries(paths.map((path, at) => [`s${at}`, { image: 'none', env_file: [path] }]))
  const file = join(folder, 'compose.json')
  writeFileSync(file, JSON.stringify({ name: 'readers', services }))
  const { code, out } = await runProgram(program, ['-f', file, 'config', '--format', 'json'], { cwd: folder, env: { HOME: folder } })
  if (code !== 0) return undefined
  const seen = JSON.parse(out) as { readonly services: Readonly<Record<string, { readonly environment?: Readonly<Record<string, string | null>> }>> }
  return paths.map((_, at) => {
    const entries = Object.entries(seen.services[`s${at}`]?.environment ?? {})
    // `config` prints what can be read again, so a dollar is doubled; null is a key that the surroundings do not have.
    return new Map(entries.flatMap(([key, value]) => (value === null ? [] : [[key, value.replaceAll('$$', '$')] as const])))
  })
}

/** One file that is refused is the end of the whole run, so those halve that fail. */
async function readHalving(paths: readonly string[], folder: string): Promise<readonly RealReading[]> {
  if (paths.length === 0) return []
  const together = await readTogether(paths, folder)
  if (together !== undefined) return together
  if (paths.length === 1) return [undefined]
  const half = Math.ceil(paths.length / 2)
  return [...(await readHalving(paths.slice(0, half), folder)), ...(await readHalving(paths.slice(half), folder))]
}

/** Those that the model refuses are read one by one, so that the others can be read together: what they say is the same. */
const read: RealReader = (texts) => inFiles(texts, async (paths, folder) => {
  const alone = new Set(paths.filter((_, at) => readAll('compose', texts[at] ?? '') === undefined))
  const readings = new Map<string, RealReading>()
  const together = paths.filter((path) => !alone.has(path))
  for (const [at, reading] of (await readHalving(together, folder)).entries()) readings.set(together[at] ?? '', reading)
  for (const path of alone) readings.set(path, (await readHalving([path], folder))[0])
  return paths.map((path) => readings.get(path))
})

proveReader('compose', { [compose.title]: read })

describe(`${compose.title} fills in the compose file from .env`, () => {
  it.each(LINES)('%j', async (line, { compose: expected }) => {
    const text = `OTHER=1\n${line}\n`
    const filled = await inFiles([text], async ([path = ''], folder) => {
      const file = join(folder, 'compose.json')
      writeFileSync(file, JSON.stringify({ name: 'filled', services: { one: { image: 'none', environment: { A: '${A-is not set}' } } } }))
      const { code, out } = await runProgram(program, ['--env-file', path, '-f', file, 'config', '--format', 'json'], { cwd: folder, env: { HOME: folder } })
      const seen = code === 0 ? (JSON.parse(out) as { readonly services: { readonly one: { readonly environment: { readonly A: string } } } }) : undefined
      return seen?.services.one.environment.A.replaceAll('$$', '$')
    })
    // What depends on more than the file has some value, and a file that is refused has none.
    if (expected === null) expect(filled).toBeDefined()
    else expect(filled).toBe(readAll('compose', text) === undefined ? undefined : (expected ?? 'is not set'))
  })
})
