import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { Missing, type Part } from '../test/systems/parts/part.ts'
import { readClaims } from '../test/systems/reporter.ts'
import type { System } from '../test/systems/system.ts'
import { afterRun, lostOf, newOf, type Proven, provenFile, sayClaim } from './systems/proven.ts'

const root = join(import.meta.dirname, '..')
const provenPath = join(root, 'docs', 'proven.json')

/** A test file that cannot run here, and why. */
interface Lacking {
  readonly file: string
  readonly why: string
}

/**
 * The lane for what npm cannot bring: gets the parts that the named systems need (all of them when none is named), and runs the
 * tests whose parts are there; with all systems also the conformance suites of every connector. What they prove is written to
 * docs/proven.json. What is missing is told; where CI is set it counts as a failure, as does a claim that this run did not prove.
 * Answers the exit code.
 */
async function main(args: readonly string[]): Promise<number> {
  const known = globSync('test/systems/*/system.ts', { cwd: root }).map((file) => dirname(file)).toSorted()
  const nameOf = (folder: string): string => folder.slice('test/systems/'.length)
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true })
  const strangers = positionals.filter((name) => !known.map(nameOf).includes(name))
  if (strangers.length > 0) {
    console.error(`There is no system ${strangers.join(', ')}.\nnpm run test:systems [-- NAME...]\n  NAME  ${known.map(nameOf).join(', ')}`)
    return 2
  }
  const whole = positionals.length === 0
  const [ready, lacking]: [string[], Lacking[]] = [[], []]
  for (const folder of known.filter((each) => whole || positionals.includes(nameOf(each)))) {
    const { default: system } = (await import(join(root, folder, 'system.ts'))) as { readonly default: System }
    console.log(`${nameOf(folder)}: ${system.says}`)
    for (const [name, parts] of Object.entries(system.runs)) {
      const file = join(folder, name)
      const why = await bringAll(parts)
      if (why === undefined) ready.push(file)
      else lacking.push({ file, why })
    }
  }
  const work = mkdtempSync(join(tmpdir(), 'keyturn-claims-'))
  try {
    const claims = join(work, 'claims.json')
    const real = ready.length === 0 || runTests(['--config', 'vitest.systems.config.ts', ...ready], claims)
    const fakes = !whole || runTests(claimants(), claims)
    for (const { file, why } of lacking) console.log(`not run: ${file}: ${why}`)
    const kept = keepProven(claims, whole && lacking.length === 0)
    return real && fakes && ((kept && lacking.length === 0) || !process.env['CI']) ? 0 : 1
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** The tests beside the connectors that prove something by itself: on fakes, and on what every machine has. */
function claimants(): string[] {
  return globSync('src/connectors/*/*.test.ts', { cwd: root }).filter((file) => readFileSync(join(root, file), 'utf8').includes('/systems/claims.ts'))
}

/** Writes what was proven; says what is new and what was lost. False when the file said something else. */
function keepProven(claims: string, whole: boolean): boolean {
  const before = existsSync(provenPath) ? (JSON.parse(readFileSync(provenPath, 'utf8')) as Proven) : []
  const now = afterRun(before, readClaims(claims), whole)
  const [lost, fresh] = [lostOf(before, now), newOf(before, now)]
  for (const claim of lost) console.log(`docs/proven.json: not proven any more: ${sayClaim(claim)}`)
  for (const claim of fresh) console.log(`docs/proven.json: new: ${sayClaim(claim)}`)
  if (!process.env['CI']) writeFileSync(provenPath, provenFile(now))
  if (lost.length + fresh.length > 0) console.log('npm run gen makes docs/connectors.md of it.')
  return lost.length + fresh.length === 0
}

/** Undefined when all of them are there. */
async function bringAll(parts: readonly Part[]): Promise<string | undefined> {
  for (const part of parts) {
    try {
      const from = performance.now()
      await part.bring()
      const took = Math.round((performance.now() - from) / 1_000)
      if (took > 0) console.log(`  ${part.title}: brought in ${took} s`)
    } catch (thrown) {
      if (!(thrown instanceof Missing)) throw thrown
      return `${part.title} is missing: ${thrown.message}`
    }
  }
  return undefined
}

function runTests(args: readonly string[], claims: string): boolean {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const reporters = ['--reporter=default', `--reporter=${join(root, 'test/systems/reporter.ts')}`]
  return spawnSync(process.execPath, [vitest, 'run', ...reporters, ...args], { cwd: root, stdio: 'inherit', env: { ...process.env, KEYTURN_CLAIMS: claims } }).status === 0
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
