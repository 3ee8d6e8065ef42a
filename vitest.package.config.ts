import { defineConfig } from 'vitest/config'

// Brings its own Nodes from the npm registry, so it is a lane of its own: `npm test` needs no network.
export default defineConfig({ test: { include: ['test/package/**/*.test.ts'], fileParallelism: false } })
