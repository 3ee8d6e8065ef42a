import { startFakeNeo4j } from '../../../src/connectors/neo4j/fake.ts'
import { makeUser } from '../../systems/neo4j/world.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

async function start(): Promise<Outside> {
  const server = await startFakeNeo4j({ edition: 'enterprise' })
  const current = await makeUser({
    makeUser: async (user, password) => { server.users.change('CREATE USER $user SET PASSWORD $password CHANGE NOT REQUIRED', { user, password }) },
  }, 'app')
  const line = await openLine(server.ports[0] ?? 0)
  return {
    issuer: { admin: '${env:ADMIN}', edition: 'enterprise', user: current.id }, env: { ADMIN: `bolt://${server.admin.user}:${server.admin.password}@127.0.0.1:${line.port}` },
    current, lines: [line], close: () => server.close(),
  }
}

export const neo4j: readonly Row[] = ['alternate', 'in-place'].map((strategy) => ({ connector: 'neo4j', strategy, start }))
