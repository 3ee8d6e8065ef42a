import { afterAll, beforeAll, describe } from 'vitest'
import { issuerSuite } from '../../../src/testing/issuer.ts'
import { makeNatsWorld } from '../../servers/nats.ts'
import { proving } from '../claims.ts'
import { type RealNats, startNatsServer } from './server.ts'
import { natsServers } from './system.ts'

for (const part of natsServers) {
  const program = await part.bring()
  describe(part.title, () => {
    let server: RealNats
    beforeAll(async () => { server = await startNatsServer(program) })
    afterAll(() => server.stop())
    issuerSuite(proving(() => ({ connector: 'nats', as: 'issuer', strategy: 'overlap', on: server.version }), describe.concurrent), `nats, ${part.title}`, () => makeNatsWorld(server))
  })
}
