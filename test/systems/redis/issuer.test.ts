import { afterAll, beforeAll } from 'vitest'
import manifest from '../../../src/connectors/redis/manifest.ts'
import { issuerSuite } from '../../../src/testing/issuer.ts'
import { redisWorld } from '../../servers/redis-issuer.ts'
import { type RealRedis, startRedis } from '../../servers/redis.ts'
import { proving } from '../claims.ts'

let server: RealRedis
beforeAll(async () => {
  server = await startRedis({ keeping: 'config' })
})
afterAll(() => server.close())

for (const strategy of manifest.strategies) {
  issuerSuite(proving(() => ({ connector: 'redis', as: 'issuer', strategy, on: server.says })), `redis ${strategy}, real server`, () => redisWorld(server.port, server.admin, strategy))
}
