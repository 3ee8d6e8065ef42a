import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { issuerSuite } from '../../../src/testing/issuer.ts'
import { referenceSuite } from '../../../src/testing/reference.ts'
import { sealerSuite } from '../../../src/testing/sealer.ts'
import { storeSuite } from '../../../src/testing/store.ts'
import { proving } from '../claims.ts'
import { reachReal } from './reach.ts'
import { type Server, startServer } from './server.ts'
import { specialSuite } from './specials.ts'
import { issuerWorld, referenceWorld, sealerWorld, storeWorld, type Vault } from './worlds.ts'

let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

const reach = (): Promise<Vault> => reachReal(server)

for (const kind of ['approle', 'tokens'] as const) {
  issuerSuite(proving(() => ({ connector: 'vault', as: 'issuer', strategy: 'overlap', on: server.version })), `vault ${kind}`, async () => issuerWorld(await reach(), kind))
}
for (const version of [2, 1] as const) {
  storeSuite(proving(() => ({ connector: 'vault', as: 'store', on: server.version })), `vault KV v${version}`, async () => storeWorld(await reach(), version))
  referenceSuite(proving(() => ({ connector: 'vault', as: 'reference', on: server.version })), `vault KV v${version}`, async () => referenceWorld(await reach(), version))
}
sealerSuite(proving(() => ({ connector: 'vault', as: 'sealer', on: server.version })), 'vault transit', async () => sealerWorld(await reach()))
specialSuite({ describe, it, expect }, 'a real Vault', reach)
