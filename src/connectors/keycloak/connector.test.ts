import { afterAll, beforeAll } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { reach, type Reached } from '../../../test/systems/keycloak/outside.ts'
import { clientSuite } from '../../../test/systems/keycloak/client-suite.ts'
import { keySuite } from '../../../test/systems/keycloak/key-suite.ts'
import { userSuite } from '../../../test/systems/keycloak/user-suite.ts'
import { clientsOf, keysOfRealm, users, worldOf } from '../../../test/systems/keycloak/world.ts'
import { issuerSuite } from '../../testing/issuer.ts'
import { type FakeKeycloak, startFakeKeycloak } from './fake.ts'

let server: FakeKeycloak & Reached
beforeAll(async () => { server = reach(await startFakeKeycloak()) })
afterAll(() => server.close())

const [secret, secrets, user, keys] = [clientsOf(false), clientsOf(true), users(), keysOfRealm(false)]
const on = (strategy: 'in-place' | 'overlap') => proving({ connector: 'keycloak', as: 'issuer', strategy, on: 'fake' })

issuerSuite(on('in-place'), 'keycloak client, fake', () => worldOf(server, secret))
issuerSuite(on('overlap'), 'keycloak client beside the old secret, fake', () => worldOf(server, secrets))
issuerSuite(on('in-place'), 'keycloak user, fake', () => worldOf(server, user))
issuerSuite(on('overlap'), 'keycloak keys, fake', () => worldOf(server, keys))
clientSuite('keycloak, fake', () => server)
userSuite('keycloak, fake', () => server)
keySuite('keycloak, fake', () => server)
