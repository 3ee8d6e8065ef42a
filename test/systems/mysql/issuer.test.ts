import { afterAll, beforeAll } from 'vitest'
import { issuerSuite } from '../../../src/testing/issuer.ts'
import { proving } from '../claims.ts'
import { type MariaDb, startMariaDb } from './mariadb.ts'
import { makeWorld } from './world.ts'

let server: MariaDb
beforeAll(async () => { server = await startMariaDb() })
afterAll(() => server.stop())

for (const strategy of ['alternate', 'in-place'] as const) {
  issuerSuite(proving(() => ({ connector: 'mysql', as: 'issuer', strategy, on: server.version })), `mysql ${strategy}, real MariaDB`, () => makeWorld(server, strategy))
}
