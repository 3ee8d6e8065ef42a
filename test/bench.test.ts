import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, inject, it } from 'vitest'
import { measureEffect } from '../bench/effect.ts'
import { measureEmergency } from '../bench/emergency.ts'
import { type Figure, passes, table } from '../bench/figure.ts'
import { measureGrace } from '../bench/grace.ts'
import { difference, median, ratio } from '../bench/pairs.ts'
import { measureRotation } from '../bench/rotation.ts'
import { measurePlan } from '../bench/startup.ts'
import { measureWorkers } from '../bench/workers.ts'
import { ready } from './servers/postgres.ts'

const SLOW = 120_000

/** Whether a figure is in its target is for `npm run bench`: here every part has to run and to measure something. */
function expectNumbers(figures: readonly Figure[], names: readonly string[]): void {
  expect(figures.map((figure) => figure.name)).toEqual(names)
  for (const { value, from } of figures) {
    expect(value).toBeGreaterThan(0)
    expect(Object.values(from).every(Number.isFinite)).toBe(true)
  }
}

describe('the benchmarks measure', () => {
  it('an effect against two raw commits', async () => {
    expectNumbers(await measureEffect({ rotations: 1, stores: 1, consumers: 1 }), ['effect', 'effect, sealing'])
  }, SLOW)

  it('a rotation against its server statements, with every login and statement of it', async () => {
    const figures = await measureRotation(await ready(inject('postgresUrl')), { rounds: 1, reload: 5, demoRounds: 1, wait: 40 })
    expectNumbers(figures, ['rotation', 'rotation, reloads', 'rotation, demo'])
    expect(figures[0]?.from).toMatchObject({ rounds: 1 })
    expect(figures[0]?.from['logins']).toBeGreaterThan(10)
    expect(figures[0]?.from['statements']).toBeGreaterThan(30)
  }, SLOW)

  it('an emergency up to the proof, against its server statements', async () => {
    const figures = await measureEmergency(await ready(inject('postgresUrl')), { rounds: 1 })
    expectNumbers(figures, ['emergency'])
    expect(figures[0]?.from).toMatchObject({ rounds: 1 })
    expect(figures[0]?.from['logins']).toBeGreaterThan(3)
  }, SLOW)

  it('a plan of many secrets', async () => {
    expectNumbers(await measurePlan({ rounds: 1, secrets: 3 }), ['plan'])
  }, SLOW)

  it.runIf(process.platform === 'linux')('rotations in grace: memory, and how late a due one starts', async () => {
    const figures = await measureGrace({ waiting: 20, due: 1 })
    expect(figures.map((figure) => figure.name)).toEqual(['grace, memory', 'grace, start'])
    expect(figures[0]?.value).toBeGreaterThan(20)
    // It never starts before its time.
    expect(figures[1]?.value).toBeGreaterThanOrEqual(0)
  }, SLOW)

  it.runIf(process.platform === 'linux')('workers: their throughput, many at once, and how soon a killed one is replaced', async () => {
    const figures = await measureWorkers({ rotations: 3, counts: [1, 2], reload: 20, atOnce: 3, kills: 1, lease: 1_000 })
    expectNumbers(figures, [
      'workers, 1, reload 20 ms', 'workers, 2, reload 20 ms', 'workers, 1, reload 0 ms', 'workers, 2, reload 0 ms', 'workers, 3 at once', 'workers, killed',
    ])
    expect(figures.map(({ least }) => least)).toEqual([undefined, 1.8, undefined, undefined, undefined, undefined])
    expect(figures.at(-1)?.target).toBe(3_000)
  }, SLOW)

  it('the named part alone, as a table and as JSON', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyturn-bench-out-'))
    try {
      const out = join(folder, 'figures.json')
      const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../bench/main.ts'), 'version', '--out', out])
      expect(stdout).toMatch(/^version +-?\d+\.\d ms +<= 40 ms +(pass|FAIL) /)
      expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ figures: [{ name: 'version', unit: 'ms', target: 40 }] })
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, SLOW)
})

describe('figures', () => {
  it('compare within a round, so that a slow round does not count for one side', () => {
    const pairs = [{ subject: 3, baseline: 2 }, { subject: 300, baseline: 200 }, { subject: 30, baseline: 20 }]
    expect(ratio(pairs)).toBe(1.5)
    expect(difference(pairs)).toBe(10)
    expect(median([4, 1, 2, 3])).toBe(2.5)
  })

  it('pass up to their target, and without one', () => {
    const figure: Figure = { name: 'x', says: 'x', value: 2, unit: 'x', from: {} }
    expect([figure, { ...figure, target: 2 }, { ...figure, target: 1.9 }].map(passes)).toEqual([true, true, false])
    expect(table([{ ...figure, target: 1.9 }])[0]).toContain('FAIL')
    expect([{ ...figure, least: 2 }, { ...figure, least: 2.1 }].map(passes)).toEqual([true, false])
    expect(table([{ ...figure, least: 2.1 }])[0]).toMatch(/>= 2\.1 x +FAIL/)
  })
})
