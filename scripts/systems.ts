import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { Missing, type Part } from '../test/systems/parts/part.ts'
import type { System } from '../test/systems/system.ts'

const root = join(import.meta.dirname, '..')

/** A test file that cannot run here, and why. */
interface Lacking {
  readonly file: string
  readonly why: string
}

/**
 * The lane for what npm cannot bring: gets the parts that the named systems need (all of them when none is named), and runs the
 * tests whose parts are there. What is missing is told; it counts as a failure only where CI is set. Answers the exit code.
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
  const [ready, lacking]: [string[], Lacking[]] = [[], []]
  for (const folder of known.filter((each) => positionals.length === 0 || positionals.includes(nameOf(each)))) {
    const { default: system } = (await import(join(root, folder, 'system.ts'))) as { readonly default: System }
    console.log(`${nameOf(folder)}: ${system.says}`)
    for (const [name, parts] of Object.entries(system.runs)) {
      const file = join(folder, name)
      const why = await bringAll(parts)
      if (why === undefined) ready.push(file)
      else lacking.push({ file, why })
    }
  }
  const passed = ready.length === 0 || runTests(ready)
  for (const { file, why } of lacking) console.log(`not run: ${file}: ${why}`)
  return passed && (lacking.length === 0 || !process.env['CI']) ? 0 : 1
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

function runTests(files: readonly string[]): boolean {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  return spawnSync(process.execPath, [vitest, 'run', '--config', 'vitest.systems.config.ts', ...files], { cwd: root, stdio: 'inherit' }).status === 0
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
