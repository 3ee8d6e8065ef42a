import { afterAll, beforeAll, describe } from 'vitest'
import { issuerSuite } from '../../../src/testing/issuer.ts'
import { makeConfigWorld } from '../../servers/nats-config.ts'
import { proving } from '../claims.ts'
import { type RealConfigServer, startConfigServer } from './config-server.ts'
import { natsServers } from './system.ts'

for (const part of natsServers) {
  const program = await part.bring()
  describe(part.title, () => {
    let server: RealConfigServer
    beforeAll(async () => { server = await startConfigServer(program) })
    afterAll(() => server.stop())
    for (const strategy of ['alternate', 'overlap', 'in-place'] as const) {
      issuerSuite(proving(() => ({ connector: 'nats-config', as: 'issuer', strategy, on: server.version })), `nats-config, ${strategy}, ${part.title}`, () => makeConfigWorld(server, strategy))
    }
  })
}
