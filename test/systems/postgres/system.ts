import type { System } from '../system.ts'

export default {
  says: 'services lose no query while the role that they log in with is rotated',
  runs: { 'load.test.ts': [], 'dated.test.ts': [] },
} satisfies System
