import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { until } from '../../../demo/until.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { the0Suite } from '../../platforms/the0/suite.ts'
import { startPostgres } from '../../servers/postgres.ts'
import { startRedis } from '../../servers/redis.ts'
import { startConfigServer } from '../nats/config-server.ts'
import { natsServers } from '../nats/system.ts'
import { startMinio } from '../s3/minio.ts'

the0Suite('examples/the0', async () => {
  const [postgres, minio, nats] = await Promise.all([startPostgres({ config: { log_statement: 'none' } }), startMinio(), startConfigServer(await natsServers[0].bring())])
  const [cached, kept] = [generate(ALNUM, 40), generate(ALNUM, 40)]
  const redis = await startRedis({ keeping: 'aclfile', users: [`user the0 on >${cached} ~* &* +@all`, 'user default off'] })
  const key = await minio.accessKey(await minio.user('the0'), 'the0')

  const users = join(nats.folder, 'users.json')
  writeFileSync(users, JSON.stringify({ users: [{ user: 'the0', password: kept, permissions: { publish: ['work.>', '$JS.API.>', '_INBOX.>'], subscribe: ['>'] } }] }), { mode: 0o600 })
  process.kill(Number(readFileSync(join(nats.folder, 'pid'), 'utf8')), 'SIGHUP')
  const connection = await until('NATS lets the0 in', 10_000, () => connect({ servers: `127.0.0.1:${nats.port}`, user: 'the0', pass: kept }).catch(() => undefined))
  await connection.request('$JS.API.STREAM.CREATE.WORK', JSON.stringify({ name: 'WORK', subjects: ['work.>'], storage: 'memory', num_replicas: 1 }))
  await connection.close()

  return {
    postgresUrl: postgres.adminUrl, role: 'the0',
    others: {
      'object-storage': {
        issuer: { endpoint: minio.url, bucket: minio.bucket },
        env: { S3_ENDPOINT: minio.url, S3_BUCKET: minio.bucket, S3_ACCESS_KEY_ID: key.accessKeyId, S3_SECRET_ACCESS_KEY: key.secretAccessKey.reveal() },
        admin: { THE0_MINIO_ADMIN_KEY: minio.root.accessKeyId, THE0_MINIO_ADMIN_SECRET: minio.root.secretAccessKey.reveal() },
      },
      nats: {
        issuer: { nodes: [{ name: 'nats', server: `nats://127.0.0.1:${nats.port}`, monitor: nats.monitor, file: users, reload: { pidFile: join(nats.folder, 'pid') } }] },
        env: { NATS_SERVER: `127.0.0.1:${nats.port}`, NATS_USER: 'the0', NATS_PASSWORD: kept },
        admin: {},
      },
      redis: {
        issuer: { nodes: [{ name: 'primary', host: '127.0.0.1', port: redis.port }] },
        env: { REDIS_URL: `redis://the0:${cached}@127.0.0.1:${redis.port}/0` },
        admin: { THE0_REDIS_ADMIN_URL: `redis://${redis.admin.user}:${redis.admin.password}@127.0.0.1:${redis.port}` },
      },
    },
    end: async () => {
      await redis.close()
      await nats.stop()
      await minio.close()
      await postgres.stop()
    },
  }
}, ['object-storage', 'nats', 'redis'], ['database', 'jwt-secret'])
