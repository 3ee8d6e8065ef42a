import { defineConfig } from 'vitest/config'

// What the parts of test/systems are for; scripts/systems.ts brings them and chooses the files that can run.
export default defineConfig({ test: { include: ['test/systems/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 } })
