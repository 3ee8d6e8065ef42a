import { readFileSync, writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'
import type { Claim } from './claims.ts'
import { gapLines } from './rig/gap.ts'

/**
 * Writes the claims of a run to the file named by KEYTURN_CLAIMS, added to those that are there: `proven`, of which every test has
 * passed, and `failed`. Prints the gaps of rotations in place, which tests told (rig/gap.ts).
 */
export default class ClaimsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = gapLines(modules.flatMap((module) => [...module.children.allTests()].flatMap((test) => test.meta().gap ?? [])))
    if (lines.length > 0) console.log(`\n${lines.join('\n')}\n`)
    const file = process.env['KEYTURN_CLAIMS']
    if (file === undefined) return
    const [proven, failed] = [new Set<string>(), new Set<string>()]
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        for (const claim of test.meta().claims ?? []) (test.result().state === 'passed' ? proven : failed).add(JSON.stringify(claim))
      }
    }
    const before = readClaims(file)
    const join = (set: ReadonlySet<string>, more: readonly Claim[]): Claim[] => [...more, ...[...set].map((text) => JSON.parse(text) as Claim)]
    writeFileSync(file, JSON.stringify({ proven: join(new Set([...proven].filter((text) => !failed.has(text))), before.proven), failed: join(failed, before.failed) }))
  }
}

/** Of one run or of several, one after the other. */
export interface Claims {
  readonly proven: readonly Claim[]
  readonly failed: readonly Claim[]
}

/** None when there is no such file yet. */
export function readClaims(file: string): Claims {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Claims
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return { proven: [], failed: [] }
    throw thrown
  }
}
