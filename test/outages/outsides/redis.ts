import { startFakeRedis } from '../../../src/connectors/redis/fake.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { loginOf, makeUser } from '../../servers/redis-issuer.ts'
import { askRedis } from '../../servers/redis.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

async function start(strategy: string): Promise<Outside> {
  const admin = { user: 'keeper', password: generate(ALNUM, 24) }
  const server = await startFakeRedis({ users: [`user keeper on >${admin.password} ~* &* +@all`], keeping: 'aclfile' })
  const user = strategy === 'in-place' ? 'default' : 'app'
  const current = await makeUser([server.port], admin, user)
  if (user === 'default') await askRedis(server.port, admin, 'CONFIG', 'SET', 'requirepass', loginOf(current).password)
  const line = await openLine(server.port)
  return {
    issuer: { admin: '${env:ADMIN}', user }, env: { ADMIN: `redis://${admin.user}:${admin.password}@127.0.0.1:${line.port}` },
    ...(strategy === 'overlap' ? { blind: true as const } : {}), current, lines: [line], close: () => server.close(),
  }
}

export const redis: readonly Row[] = ['alternate', 'overlap', 'in-place'].map((strategy) => ({ connector: 'redis', strategy, start: () => start(strategy) }))
