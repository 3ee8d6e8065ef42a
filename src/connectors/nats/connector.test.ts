import { afterAll, beforeAll } from 'vitest'
import { makeNatsWorld, makeRealm, type NatsServer } from '../../../test/servers/nats.ts'
import { proving } from '../../../test/systems/claims.ts'
import { issuerSuite } from '../../testing/issuer.ts'
import { type PretendedNats, startPretendedNats } from './provider.ts'

let server: NatsServer & PretendedNats
beforeAll(async () => {
  const realm = await makeRealm()
  server = { ...(await startPretendedNats(realm)), realm }
})
afterAll(() => server.close())

issuerSuite(proving({ connector: 'nats', as: 'issuer', strategy: 'overlap', on: 'fake' }), 'nats', () => makeNatsWorld(server))
