import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { z } from 'zod'
import { type Host, Secret } from '../../../src/kit/index.ts'
import { callWithin } from '../../../src/testing/call.ts'
// <consumer attestor>
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import type { Presented } from '../../../src/kit/index.ts'
import type { Held } from '../../../src/testing/consumer.ts'
// </consumer attestor>
// <issuer>
import { issuerSuite, type IssuerWorld } from '../../../src/testing/issuer.ts'
// </issuer>
// <store>
import { storeSuite } from '../../../src/testing/store.ts'
// </store>
// <consumer>
import { consumerSuite } from '../../../src/testing/consumer.ts'
// </consumer>
// <check>
import { checkSuite } from '../../../src/testing/check.ts'
// </check>
// <attestor>
import { attestorSuite } from '../../../src/testing/attestor.ts'
// </attestor>
// <notifier>
import { notifierSuite } from '../../../src/testing/notifier.ts'
// </notifier>
// <reference>
import { referenceSuite } from '../../../src/testing/reference.ts'
// </reference>
import { ask } from './api.ts'
import { type Fake, startFake } from './fake.ts'
import * as connector from './index.ts'
import * as schemas from './manifest.ts'
// <issuer>
import { mintKey } from './provider.ts'
// </issuer>

/** The token is the only text that this connector has resolved. */
const hostOf = ({ token }: Fake): Host => ({ base: '/', now: () => Date.now(), resolve: async () => new Secret(token), conceal: () => undefined })
const accessOf = ({ url }: Fake) => ({ url, token: '${env:ACME_TOKEN}' })
// <check attestor notifier>
/** The faults of the suites, as this fake has them. */
const breaking = (fake: Fake) => async (fault: 'slow' | 'error' | 'reset' | 'gone'): Promise<void> => {
  if (fault === 'gone') await fake.stop()
  else fake.fault = fault === 'error' ? 503 : fault
}
// </check attestor notifier>
// <issuer>

issuerSuite(proving({ connector: 'acme', as: 'issuer', on: 'fake' }), 'acme', async (): Promise<IssuerWorld> => {
  const fake = await startFake()
  const config = schemas.issuerSchema.parse({ ...accessOf(fake), owner: 'atlas' })
  const credentialOf = (owner: string) => {
    const { id, key } = mintKey(fake.knows, owner, 'made-before')
    return { id, fields: { id: new Secret(id), key: new Secret(key) } }
  }
  let [down, back] = [false, Promise.resolve()]
  return {
    current: credentialOf('atlas'),
    siblings: [credentialOf('somebody-else')],
    open: () => {
      // An outage lasts until the next run of keyturn.
      if (down) back = fake.start()
      down = false
      return connector.openIssuer(config, hostOf(fake))
    },
    use: async ({ id }) => ({ alive: async () => fake.knows.keys.some((one) => one.id === id && one.enabled), close: async () => undefined }),
    inject: async (fault) => {
      if (fault === 'full') mintKey(fake.knows, 'atlas', 'made-by-hand')
      else if (fault === 'unreachable') {
        await fake.stop()
        down = true
      } else fake.next = fault === 'server-error' ? 503 : fault
    },
    close: async () => {
      await back
      await fake.close()
    },
  }
})
// </issuer>
// <store>

storeSuite(proving({ connector: 'acme', as: 'store', on: 'fake' }), 'acme', async () => {
  const fake = await startFake()
  const { knows } = fake
  for (const key of ['API_KEY', 'API_KEY_OLD', 'LOG_LEVEL']) knows.settings.set(key, 'as it was')
  const config = schemas.storeSchema.parse({ ...accessOf(fake), project: 'atlas' })
  return {
    store: connector.openStore(config, hostOf(fake)),
    again: () => connector.openStore(config, hostOf(fake)),
    keys: ['API_KEY', 'API_KEY_OLD'],
    fresh: 'API_KEY_NEXT',
    siblings: () => knows.settings.get('LOG_LEVEL') ?? '',
    edit: () => {
      knows.settings.set('LOG_LEVEL', 'as a person wrote it')
      knows.edition += 1
    },
    litter: () => false,
    loseAnswer: () => {
      fake.next = 'answer-lost'
    },
    close: fake.close,
  }
})
// </store>
// <consumer attestor>

function presented(): Presented {
  const value = new Secret(generate(ALNUM, 32))
  return { fields: { password: value }, entries: { APP_PASSWORD: value } }
}

/** The value of a credential, or one that is of neither. */
function valueOf(held: Held, next: Presented, old: Presented): Secret {
  const from: Presented = held === 'neither' ? presented() : { new: next, old }[held]
  return from.fields['password'] ?? new Secret('')
}
// </consumer attestor>
// <consumer>

consumerSuite(proving({ connector: 'acme', as: 'consumer', on: 'fake' }), 'acme', async () => {
  const fake = await startFake()
  const { knows } = fake
  const [next, old] = [presented(), presented()]
  knows.instances = ['atlas-1', 'atlas-2'].map((name) => ({ id: `${name}/1`, name, started: 0, holds: valueOf('old', next, old) }))
  const config = schemas.consumerSchema.parse({ ...accessOf(fake), service: 'atlas' })
  return {
    consumer: connector.openConsumer(config, hostOf(fake)),
    again: connector.openConsumer(config, hostOf(fake)),
    next,
    old,
    publish: (which) => {
      knows.published = valueOf(which === next ? 'new' : 'old', next, old)
    },
    truth: async (wanted) => {
      const holds = knows.instances.find(({ name }) => name === wanted)?.holds
      return (['new', 'old'] as const).find((held) => holds?.equals(valueOf(held, next, old)))
    },
    break: (fault) => {
      if (fault === 'gone') knows.instances = knows.instances.slice(1)
      else fake.next = fault === 'error' ? 503 : fault
    },
    close: fake.close,
  }
})
// </consumer>
// <check>

checkSuite(proving({ connector: 'acme', as: 'check', on: 'fake' }), 'acme', async () => {
  const fake = await startFake()
  fake.knows.health = { status: 'ok', note: 'a text of the provider' }
  const open = (more: object) => connector.openCheck(schemas.checkSchema.parse({ ...accessOf(fake), ...more }), hostOf(fake))
  return { check: open({}), wrong: open({ expect: 'degraded' }), shown: [fake.knows.health.note, fake.token], break: breaking(fake), close: fake.close }
})
// </check>
// <attestor>

attestorSuite(proving({ connector: 'acme', as: 'attestor', on: 'fake' }), 'acme', async () => {
  const fake = await startFake()
  const [next, old] = [presented(), presented()]
  return {
    attestor: connector.openAttestor(schemas.attestorSchema.parse(accessOf(fake)), hostOf(fake)),
    instance: { id: 'atlas-1/1', name: 'atlas-1', ready: true },
    next,
    old,
    hold: (held) => {
      fake.knows.instances = [{ id: 'atlas-1/1', name: 'atlas-1', started: 0, holds: valueOf(held, next, old) }]
    },
    break: breaking(fake),
    close: fake.close,
  }
})
// </attestor>
// <notifier>

notifierSuite(proving({ connector: 'acme', as: 'notifier', on: 'fake' }), 'acme', async () => {
  const fake = await startFake()
  return {
    notifier: connector.openNotifier(schemas.notifierSchema.parse({ ...accessOf(fake), channel: 'ops' }), hostOf(fake)),
    received: () => fake.knows.messages,
    secrets: [new Secret(fake.token)],
    break: breaking(fake),
    close: fake.close,
  }
})
// </notifier>
// <reference>

referenceSuite(proving({ connector: 'acme', as: 'reference', on: 'fake' }), 'acme', async () => {
  const fake = await startFake()
  fake.silent = '/values/silent'
  return {
    reference: connector.openReference({ env: { ACME_URL: fake.url, ACME_TOKEN: fake.token } }),
    names: schemas.nameSchema,
    name: 'admin-password',
    set: (value) => {
      fake.knows.values.set('admin-password', value)
    },
    absent: ['another-one'],
    wrong: ['1st', 'a b', '../admin'],
    noticed: [],
    silent: 'silent',
    close: fake.close,
  }
})
// </reference>

// The suites hold for every connector. What is special about this one stands below.
describe('what Acme answers', () => {
  it.each([
    [401, 'refused', 'ADMIN_REJECTED'],
    [418, 'refused', 'REQUEST_REFUSED'],
    [429, 'refused', 'RATE_LIMITED'],
    [408, 'unknown', 'SERVER_ERROR'],
    [302, 'unknown', 'SERVER_ERROR'],
    [503, 'unknown', 'SERVER_ERROR'],
    [200, 'unknown', 'RESPONSE_UNFIT'],
  ] as const)('is told by its status: %i is %s %s', async (status, is, code) => {
    const fake = await startFake()
    fake.fault = status
    const answer = await ask(accessOf(fake), { method: 'POST', path: '/anything' }, z.object({ id: z.string() }), hostOf(fake), callWithin(5_000))
    await fake.close()
    expect(answer).toMatchObject({ is, code })
  })
})
