import { describe } from 'vitest'
import { type Claim, proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import type { Strategy } from '../../kit/connector.ts'
import { Secret } from '../../kit/secret.ts'
import type { Fault } from '../../testing/faults.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import type { ReferenceFault, ReferenceIssuer } from '../../testing/reference-issuer.ts'
import { referenceTraits, type ReferenceTraits, titleOf } from '../../testing/reference-traits.ts'
import { referenceConfig, startReferenceIssuer } from './fake.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './issuer-schema.ts'

const FAULTS: Readonly<Record<Exclude<Fault, 'full' | 'unreachable'>, ReferenceFault>> = {
  'answer-lost': 'answer-lost',
  'server-error': 'error-after',
  slow: 'slow',
}

async function makeWorld(traits: ReferenceTraits, byHand: readonly Effect[] = []): Promise<IssuerWorld> {
  const server = await startReferenceIssuer(traits)
  const { use: _, ...written } = referenceConfig(server, traits)
  const asked = byHand.map((name) => [name, { ask: { steps: [name === 'mint' ? 'Make a key and call it {tag}.' : `Bring {id} to this: ${name}.`] } }])
  const config = issuerSchema.parse({ ...written, ...Object.fromEntries(asked) })
  let back: Promise<void> | undefined
  let down = false
  return {
    current: server.make(),
    siblings: [server.make('sibling')],
    ...(byHand.length === 0 ? {} : { person: atConsole(server) }),
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

type Effect = 'mint' | 'off' | 'on' | 'gone'

/** Does at the provider what a task says. */
function atConsole({ keys, principal }: ReferenceIssuer): NonNullable<IssuerWorld['person']> {
  return async ({ kind, steps }, id = '') => {
    const [step = ''] = steps
    if (kind === 'mint') {
      const key = keys.mint('atlas', / call it (\S+)\.$/.exec(step)?.[1])
      if (key === 'full') throw new Error('every slot is taken')
      return { token: new Secret(key.value) }
    }
    const key = keys.find('atlas', id === principal ? 'atlas' : id)
    if (step.endsWith('gone.')) keys.remove('atlas', key?.id ?? '')
    else if (key !== undefined) key.state = step.endsWith('on.') ? 'on' : 'off'
    return {}
  }
}

function hostOf({ env }: Pick<ReferenceIssuer, 'env'>): Host {
  const resolve = async (text: string): Promise<Secret> => new Secret(text.replaceAll(/\$\{env:(\w+)\}/g, (_, name: string) => new Map(Object.entries(env)).get(name) ?? ''))
  return { base: '/', now: () => Date.now(), resolve, conceal: () => undefined }
}

/** One slot serves `in-place` and `hard-cut` alike. */
const STRATEGIES: Readonly<Record<ReferenceTraits['mint'], readonly Strategy[]>> = { adds: ['overlap'], replaces: ['in-place', 'hard-cut'], triggers: ['provider-managed'] }

function claimed({ mint }: ReferenceTraits): readonly Claim[] {
  return STRATEGIES[mint].map((strategy) => ({ connector: 'webhook', as: 'issuer', strategy, on: 'fake' }))
}

for (const traits of referenceTraits) {
  issuerSuite(proving(claimed(traits), describe.concurrent), `webhook, ${titleOf(traits)}`, () => makeWorld(traits))
}

const MADE = { value: 'made', mint: 'adds', slots: 3 } as const
const HYBRIDS: readonly (readonly [traits: ReferenceTraits, byHand: readonly Effect[]])[] = [
  [{ ...MADE, locate: 'none', ends: ['gone'] }, ['mint']],
  [{ ...MADE, locate: 'tag', ends: ['off', 'gone'] }, ['mint', 'off', 'on', 'gone']],
  [{ ...MADE, locate: 'tag', ends: ['off', 'gone'] }, ['gone']],
  [{ value: 'chosen', mint: 'adds', locate: 'value', slots: 2, ends: ['off', 'gone'] }, ['off', 'on', 'gone']],
  [{ value: 'made', mint: 'replaces', locate: 'none', slots: 1, ends: [] }, ['mint']],
]

for (const [traits, byHand] of HYBRIDS) {
  issuerSuite(proving(claimed(traits), describe.concurrent), `webhook, ${titleOf(traits)}, ${byHand.join(' ')} by hand (C-04, G-12)`, () => makeWorld(traits, byHand))
}
