import { debianProgram } from '../parts/debian.ts'
import { natsServers } from '../nats/system.ts'
import { minioPart } from '../s3/minio.ts'
import type { System } from '../system.ts'

export default {
  says: 'every secret of examples/the0 is rotated once on real processes under load, with MinIO, NATS and Redis',
  runs: { 'the0.test.ts': [debianProgram('redis-server'), natsServers[0], minioPart, debianProgram('psql', 'postgresql-client'), debianProgram('curl'), debianProgram('jq')] },
} satisfies System
