import { createClient } from '@redis/client'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { atlasSuite } from '../../platforms/atlas/suite.ts'
import { startPostgres } from '../../servers/postgres.ts'
import { startRedis } from '../../servers/redis.ts'
import { startPooler } from '../pgbouncer/pooler.ts'

atlasSuite('examples/atlas', async () => {
  const postgres = await startPostgres({ config: { log_statement: 'none' } })
  // An idle connection of the old role is use to PostgreSQL until the pooler closes it.
  const pooler = await startPooler({ server: postgres.port, users: [`"postgres" "${new URL(postgres.adminUrl).password}"`], settings: { auth_user: 'postgres', server_idle_timeout: '1' } })
  const password = generate(ALNUM, 40)
  const server = await startRedis({ keeping: 'aclfile', users: [`user atlas on >${password} ~* &* +@all`, 'user default off'] })
  // The session of a browser that signed in before, where the services keep them.
  const client = await createClient({ url: `redis://atlas:${password}@127.0.0.1:${server.port}/6` }).connect()
  await client.set('session:first', 'kept')
  await client.close()
  return {
    postgresUrl: postgres.adminUrl, role: 'atlas', pooler: pooler.port, redis: { server, password },
    end: async () => {
      await server.close()
      await pooler.stop()
      await postgres.stop()
    },
  }
}, ['database', 'ai-key', 'openrouter-key', 'session-secret', 'web-client', 'graphsync-key', 'redis'], ['database', 'ai-key', 'openrouter-key', 'web-client', 'graphsync-key', 'session-secret'])
