import { debianProgram } from '../parts/debian.ts'
import { vaultProgram } from '../vault/system.ts'
import type { System } from '../system.ts'

const programs = [debianProgram('psql', 'postgresql-client'), debianProgram('curl'), debianProgram('jq')]

export default {
  says: 'a person who has the text of `keyturn runbook` and nothing else rotates a role of PostgreSQL, a user of Redis, a key in Vault, step by step, and the old one is dead in the end',
  runs: { 'postgres.test.ts': programs, 'redis.test.ts': [debianProgram('redis-server'), debianProgram('redis-cli', 'redis-tools')], 'vault.test.ts': [vaultProgram] },
} satisfies System
