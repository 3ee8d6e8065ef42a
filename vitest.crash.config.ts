import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/servers/order.ts'

/** What takes minutes: every cell of every crash matrix, worker processes that are killed, stopped and cut off, a round of each benchmark. */
export const LONG = ['test/matrix/strategies.test.ts', 'test/matrix/race.test.ts', 'test/strategies/crash.test.ts', 'test/workers/**/*.test.ts', 'test/bench.test.ts']

export default defineConfig({
  test: {
    globalSetup: ['test/servers/setup.ts'],
    include: ['test/matrix/matrix.test.ts', 'test/outages/outages.test.ts', ...LONG],
    env: { MATRIX: 'all' },
    sequence: { sequencer: LongestFirst },
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
})
