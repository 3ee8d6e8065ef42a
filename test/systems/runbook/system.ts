import { debianProgram } from '../parts/debian.ts'
import type { System } from '../system.ts'

const programs = [debianProgram('psql', 'postgresql-client'), debianProgram('curl'), debianProgram('jq')]

export default {
  says: 'a person who has the text of `keyturn runbook` and nothing else rotates a role of PostgreSQL, step by step, and the old one is dead in the end',
  runs: { 'postgres.test.ts': programs },
} satisfies System
