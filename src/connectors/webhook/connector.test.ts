import { describe, expect, it } from 'vitest'
import type { Host } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import type { Fault } from '../../kit/testing/faults.ts'
import { issuerSuite, type IssuerWorld } from '../../kit/testing/issuer.ts'
import type { ReferenceFault, ReferenceIssuer } from '../../kit/testing/reference-issuer.ts'
import { referenceTraits, type ReferenceTraits, titleOf } from '../../kit/testing/reference-traits.ts'
import { referenceConfig, startReferenceIssuer } from './fake.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './issuer-schema.ts'

const FAULTS: Readonly<Record<Exclude<Fault, 'full' | 'unreachable'>, ReferenceFault>> = {
  'answer-lost': 'answer-lost',
  'server-error': 'error-after',
  slow: 'slow',
}

async function makeWorld(traits: ReferenceTraits): Promise<IssuerWorld> {
  const server = await startReferenceIssuer(traits)
  const { use: _, ...written } = referenceConfig(server, traits)
  const config = issuerSchema.parse(written)
  let back: Promise<void> | undefined
  let down = false
  return {
    current: server.make(),
    siblings: [server.make('sibling')],
    open: () => {
      // An outage lasts until the next run of keyturn.
      if (down) back = server.start()
      down = false
      return openIssuer(config, hostOf(server))
    },
    use: async (credential) => ({ alive: () => server.use(credential), close: async () => undefined }),
    inject: async (fault) => {
      if (fault === 'full') server.keys.fill('atlas')
      else if (fault === 'unreachable') {
        await server.stop()
        down = true
      } else server.arm(FAULTS[fault])
    },
    close: async () => {
      await back
      await server.close()
    },
  }
}

function hostOf({ env }: Pick<ReferenceIssuer, 'env'>): Host {
  const resolve = async (text: string): Promise<Secret> => new Secret(text.replaceAll(/\$\{env:(\w+)\}/g, (_, name: string) => new Map(Object.entries(env)).get(name) ?? ''))
  return { base: '/', now: () => Date.now(), resolve, conceal: () => undefined }
}

for (const traits of referenceTraits) {
  issuerSuite({ describe: describe.concurrent, it, expect }, `webhook, ${titleOf(traits)}`, () => makeWorld(traits))
}
