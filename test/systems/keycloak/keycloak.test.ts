import { afterAll, beforeAll } from 'vitest'
import { issuerSuite } from '../../../src/testing/issuer.ts'
import { proving } from '../claims.ts'
import { loadSuite } from './load.ts'
import { outageSuite } from './outage.ts'
import { type Keycloak, startKeycloak } from './server.ts'
import { clientSuite } from './client-suite.ts'
import { keySuite } from './key-suite.ts'
import { userSuite } from './user-suite.ts'
import { clientsOf, keysOfRealm, users, worldOf } from './world.ts'

// One file, since one start of the server takes as long as all that is asked of it.
let server: Keycloak
beforeAll(async () => { server = await startKeycloak() })
afterAll(() => server.close())

const [secret, secrets, user, keys] = [clientsOf(false), clientsOf(true), users(), keysOfRealm(true)]
const on = (strategy: 'in-place' | 'overlap') => proving(() => ({ connector: 'keycloak', as: 'issuer', strategy, on: server.says }))

issuerSuite(on('in-place'), 'keycloak client', () => worldOf(server, secret))
issuerSuite(on('overlap'), 'keycloak client beside the old secret', () => worldOf(server, secrets))
issuerSuite(on('in-place'), 'keycloak user', () => worldOf(server, user))
issuerSuite(on('overlap'), 'keycloak keys', () => worldOf(server, keys))
clientSuite('keycloak', () => server)
userSuite('keycloak', () => server)
keySuite('keycloak', () => server)
outageSuite(() => server)
loadSuite(() => server)
