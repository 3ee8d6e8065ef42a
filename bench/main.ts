import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { startServer } from '../demo/server.ts'
import { measureEffect } from './effect.ts'
import { measureEmergency } from './emergency.ts'
import { type Figure, passes, table } from './figure.ts'
import { measureGrace } from './grace.ts'
import { measureRotation } from './rotation.ts'
import { measurePlan, measureVersion } from './startup.ts'
import { measureWorkers } from './workers.ts'

/** The parts by name, each with its own world that it takes away again. */
const PARTS: Readonly<Record<string, () => Promise<Figure[]>>> = {
  effect: () => measureEffect(),
  async rotation() {
    const server = await startServer()
    try {
      return await measureRotation(server.adminUrl)
    } finally {
      await server.stop()
    }
  },
  async emergency() {
    const server = await startServer()
    try {
      return await measureEmergency(server.adminUrl)
    } finally {
      await server.stop()
    }
  },
  version: () => measureVersion(),
  plan: () => measurePlan(),
  grace: () => measureGrace(),
  workers: () => measureWorkers(),
}

const USAGE = `npm run bench -- [PART...] [--out FILE] [--json] [--strict]
  PART      ${Object.keys(PARTS).join(', ')}; all of them when none is named
  --out     also write the figures as JSON
  --json    print the JSON instead of the table
  --strict  exit with 1 when a figure misses its target`

/** Runs the named parts and prints what they measured. Answers the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args], allowPositionals: true,
    options: { out: { type: 'string' }, json: { type: 'boolean', default: false }, strict: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  })
  const unknown = positionals.filter((name) => !(name in PARTS))
  if (values.help || unknown.length > 0) {
    console.error(unknown.length > 0 ? `There is no part ${unknown.join(', ')}.\n${USAGE}` : USAGE)
    return values.help ? 0 : 2
  }
  const figures: Figure[] = []
  for (const [name, measure] of Object.entries(PARTS)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    if (process.stderr.isTTY) process.stderr.write(`${name} ...\n`)
    figures.push(...await measure())
  }
  const json = JSON.stringify({ node: process.version, platform: `${process.platform} ${process.arch}`, cpus: cpus().length, figures: figures.map((figure) => ({ ...figure, pass: passes(figure) })) }, null, 2)
  if (values.json) console.log(json)
  else for (const line of table(figures)) console.log(line)
  if (values.out !== undefined) writeFileSync(values.out, `${json}\n`)
  return values.strict && !figures.every(passes) ? 1 : 0
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
