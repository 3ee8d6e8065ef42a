import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/servers/order.ts'

/**
 * What takes long: every cell of every crash matrix, worker processes that are killed, stopped and cut off, outages in every phase of every
 * issuer, what begins with a build of the package, a round of each benchmark.
 */
export const LONG = [
  'test/worlds/campaign*.test.ts',
  'test/people/asking.test.ts', 'test/people/elsewhere.test.ts',
  'test/mistakes/{open,order,tools}.test.ts', 'test/runbook/**/*.test.ts',
  'test/emergency/**/*.test.ts', 'test/matrix/strategies.test.ts', 'test/matrix/race.test.ts', 'test/strategies/crash.test.ts', 'test/strategies/whole.test.ts', 'test/workers/**/*.test.ts', 'test/outages/**/*.test.ts',
  'test/worlds/state.test.ts', 'test/demo.test.ts', 'test/contributing.test.ts', 'test/bench.test.ts', 'src/connectors/vault/sealing.test.ts', 'test/people/outside-crash.test.ts',
  'test/strategies/{rollback,rollback-crash}.test.ts', 'test/worlds/waits.test.ts', 'test/worlds/rollback.test.ts', 'test/matrix/rollback.test.ts', 'test/keys/**/*.test.ts', 'test/platforms/**/*.test.ts', 'test/telling/**/*.test.ts',
]

export default defineConfig({
  test: {
    globalSetup: ['test/servers/setup.ts'],
    include: ['test/matrix/matrix.test.ts', ...LONG],
    env: { MATRIX: 'all' },
    sequence: { sequencer: LongestFirst },
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
})
