import type { System } from '../system.ts'
import { mariadbd } from './mariadb.ts'

export default {
  says: 'users of MariaDB are rotated with a second one or in place, and services lose no query',
  runs: { 'issuer.test.ts': [mariadbd], 'facts.test.ts': [mariadbd], 'load.test.ts': [mariadbd] },
} satisfies System
