import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { reachFake } from '../../../test/systems/vault/reach.ts'
import { specialSuite } from '../../../test/systems/vault/specials.ts'
import { issuerWorld, referenceWorld, sealerWorld, storeWorld } from '../../../test/systems/vault/worlds.ts'
import { issuerSuite } from '../../testing/issuer.ts'
import { referenceSuite } from '../../testing/reference.ts'
import { sealerSuite } from '../../testing/sealer.ts'
import { storeSuite } from '../../testing/store.ts'

for (const kind of ['approle', 'tokens'] as const) {
  issuerSuite(proving({ connector: 'vault', as: 'issuer', strategy: 'overlap', on: 'fake' }, describe.concurrent), `vault ${kind}`, async () => issuerWorld(await reachFake(), kind))
}
for (const version of [2, 1] as const) {
  storeSuite(proving({ connector: 'vault', as: 'store', on: 'fake' }), `vault KV v${version}`, async () => storeWorld(await reachFake(), version))
  referenceSuite(proving({ connector: 'vault', as: 'reference', on: 'fake' }), `vault KV v${version}`, async () => referenceWorld(await reachFake(), version))
}
sealerSuite(proving({ connector: 'vault', as: 'sealer', on: 'fake' }), 'vault transit', async () => sealerWorld(await reachFake()))
specialSuite({ describe, it, expect }, 'a pretended Vault', reachFake)
