import { afterAll, beforeAll } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { makeWorld } from '../../../test/systems/rabbitmq/world.ts'
import { issuerSuite } from '../../testing/issuer.ts'
import { type FakeBroker, startFakeBroker } from './fake.ts'
import manifest from './manifest.ts'

let server: FakeBroker
beforeAll(async () => { server = await startFakeBroker() })
afterAll(() => server.close())

for (const strategy of manifest.strategies) {
  issuerSuite(proving({ connector: 'rabbitmq', as: 'issuer', strategy, on: 'fake' }), `rabbitmq ${strategy}, fake`, () => makeWorld(server, strategy))
}
