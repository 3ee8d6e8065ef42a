import type { System } from '../system.ts'
import { pgbouncer } from './pooler.ts'

export default {
  says: 'PgBouncer takes a rotated login by RELOAD, proves it by a login through it, and services behind it lose no query',
  runs: { 'pooler.test.ts': [pgbouncer], 'load.test.ts': [pgbouncer], 'auth-query.test.ts': [pgbouncer] },
} satisfies System
