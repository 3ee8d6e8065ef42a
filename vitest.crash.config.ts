import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/servers/order.ts'

/** Every cell of every crash matrix, and worker processes that are killed, stopped and cut off. */
export const CRASHES = ['test/matrix/strategies.test.ts', 'test/matrix/race.test.ts', 'test/strategies/crash.test.ts', 'test/workers/**/*.test.ts']

export default defineConfig({
  test: {
    globalSetup: ['test/servers/setup.ts'],
    include: ['test/matrix/matrix.test.ts', ...CRASHES],
    env: { MATRIX: 'all' },
    sequence: { sequencer: LongestFirst },
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
})
