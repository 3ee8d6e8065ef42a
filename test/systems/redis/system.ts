import { debianProgram } from '../parts/debian.ts'
import type { System } from '../system.ts'

const server = debianProgram('redis-server')

export default {
  says: 'passwords of Redis users are rotated on every node, survive a restart, and services lose no operation',
  runs: { 'issuer.test.ts': [server], 'facts.test.ts': [server], 'nodes.test.ts': [server], 'load.test.ts': [server] },
} satisfies System
