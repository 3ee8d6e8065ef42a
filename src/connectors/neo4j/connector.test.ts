import { describe } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { makeWorld } from '../../../test/systems/neo4j/world.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import { startFakeNeo4j } from './fake.ts'
import manifest from './manifest.ts'

async function fakeWorld(edition: 'community' | 'enterprise', strategy: (typeof manifest.strategies)[number]): Promise<IssuerWorld> {
  const server = await startFakeNeo4j({ edition })
  const world = await makeWorld({
    port: server.ports[0] ?? 0, admin: server.admin, edition,
    async makeUser(user, password) {
      server.users.change('CREATE USER $user SET PASSWORD $password CHANGE NOT REQUIRED', { user, password })
    },
    async fill() {
      server.full = true
      return async () => { server.full = false }
    },
  }, strategy)
  return {
    ...world,
    async close() {
      await world.close()
      await server.close()
    },
  }
}

for (const strategy of manifest.strategies) {
  for (const edition of ['community', 'enterprise'] as const) {
    issuerSuite(proving({ connector: 'neo4j', as: 'issuer', strategy, on: 'fake' }, describe.concurrent), `neo4j ${strategy}, fake of ${edition}`, () => fakeWorld(edition, strategy))
  }
}
