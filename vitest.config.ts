import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/servers/order.ts'
import { LONG } from './vitest.crash.config.ts'

export default defineConfig({
  test: {
    globalSetup: ['test/servers/setup.ts'],
    // What takes minutes has a lane of its own: vitest.crash.config.ts.
    exclude: ['test/package/**', 'test/systems/**', ...LONG, '**/node_modules/**'],
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
    sequence: { sequencer: LongestFirst },
    // Two cores at least; a third file goes on while processes of the others wait for one another.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
})
