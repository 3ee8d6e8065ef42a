import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: ['test/servers/setup.ts'],
    exclude: ['test/package/**', '**/node_modules/**'],
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
})
