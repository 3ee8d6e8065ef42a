import { debianProgram } from '../parts/debian.ts'
import { pgbouncer } from '../pgbouncer/pooler.ts'
import type { System } from '../system.ts'

export default {
  says: 'every secret of examples/atlas is rotated once on real processes under load, with Redis and a pooler that npm cannot bring',
  runs: { 'atlas.test.ts': [debianProgram('redis-server'), pgbouncer, debianProgram('psql', 'postgresql-client'), debianProgram('curl'), debianProgram('jq'), debianProgram('openssl')] },
} satisfies System
