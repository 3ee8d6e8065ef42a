import { afterAll, beforeAll } from 'vitest'
import { redisWorld } from '../../../test/servers/redis-issuer.ts'
import { proving } from '../../../test/systems/claims.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { issuerSuite } from '../../testing/issuer.ts'
import { type FakeRedis, startFakeRedis } from './fake.ts'
import manifest from './manifest.ts'

const admin = { user: 'keeper', password: generate(ALNUM, 24) }
let server: FakeRedis
beforeAll(async () => {
  server = await startFakeRedis({ users: [`user keeper on >${admin.password} ~* &* +@all`], keeping: 'aclfile' })
})
afterAll(() => server.close())

for (const strategy of manifest.strategies) {
  issuerSuite(proving({ connector: 'redis', as: 'issuer', strategy, on: 'fake' }), `redis ${strategy}, fake`, () => redisWorld(server.port, admin, strategy))
}
