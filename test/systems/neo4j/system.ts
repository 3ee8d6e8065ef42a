import type { System } from '../system.ts'
import { neo4jJars } from './server.ts'

export default {
  says: 'users of Neo4j are rotated with a second one or in place, connections that outlive a login are ended, and services lose no query',
  runs: { 'neo4j.test.ts': [neo4jJars] },
} satisfies System
