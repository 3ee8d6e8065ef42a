import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import { checkSuite } from '../../testing/check.ts'
import { type ConsumerWorld, consumerSuite } from '../../testing/consumer.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import { startReferenceIssuer } from '../../testing/reference-issuer.ts'
import { prepareServices } from '../../testing/services.ts'
import { until } from '../../testing/until.ts'
import { openCheck, openConsumer, openIssuer } from './index.ts'
import { issuerSchema } from './issuer-schema.ts'
import { checkSchema, consumerSchema } from './manifest.ts'

const host: Host = { base: '/', now: () => Date.now(), resolve: async (text) => new Secret(text), conceal: () => undefined }

/** A provider with a console: the reference issuer, of whose API nothing is used but what shows a key. */
async function issuerWorld(strategy: 'overlap' | 'in-place' | 'hard-cut', probes: boolean): Promise<IssuerWorld> {
  const overlaps = strategy === 'overlap'
  const server = await startReferenceIssuer(overlaps
    ? { value: 'made', mint: 'adds', locate: 'none', slots: 2, ends: ['gone'] }
    : { value: 'made', mint: 'replaces', locate: 'none', slots: 1, ends: [] })
  const config = issuerSchema.parse({
    name: 'the key of atlas', at: server.url, strategy, fields: { token: 'secret' },
    ...(overlaps ? { id: { field: 'token', matches: '^ref_([a-z0-9]+)_' } } : {}),
    ...(probes ? { probe: { url: `${server.url}/verify`, headers: { Authorization: 'Bearer {token}' } } } : {}),
  })
  const made = server.make()
  const issuer = openIssuer(config, host)
  return {
    current: { id: issuer.idOf(made.fields) ?? '', fields: made.fields },
    siblings: [server.make('sibling')],
    open: () => openIssuer(config, host),
    use: async (credential) => ({ alive: () => server.use(credential), close: async () => undefined }),
    person: async ({ kind }, id = '') => {
      if (kind === 'mint') return server.make().fields
      server.keys.remove('atlas', id)
      return {}
    },
    inject: async (fault) => {
      if (fault === 'full') server.keys.fill('atlas')
      else server.arm(fault === 'slow' ? 'slow' : 'cut')
    },
    close: () => server.close(),
  }
}

/** Real processes, and a person who restarts them. */
async function consumerWorld(): Promise<ConsumerWorld> {
  const services = await prepareServices('gateway', 'graphsync')
  services.publish(services.old)
  const person = async (): Promise<void> => {
    await promisify(execFile)(services.restart, [...services.names])
    for (const name of services.names) await until(async () => (await services.truth(name)) !== undefined)
  }
  await person()
  const config = consumerSchema.parse({
    services: [...services.names],
    at: 'https://console.example/deploys',
    ready: Object.fromEntries(services.names.map((name) => [name, `${services.url(name)}/readyz`])),
  })
  return {
    consumer: openConsumer(config, host),
    again: openConsumer(config, host),
    next: services.next,
    old: services.old,
    publish: services.publish,
    truth: services.truth,
    person,
    break: async (fault) => {
      if (fault === 'gone') await services.end('graphsync')
    },
    close: services.close,
  }
}

for (const strategy of ['overlap', 'in-place', 'hard-cut'] as const) {
  issuerSuite(proving({ connector: 'person', as: 'issuer', strategy, on: 'fake' }, describe.concurrent), `person, ${strategy} (I-42, G-12)`, () => issuerWorld(strategy, true))
}
issuerSuite(proving({ connector: 'person', as: 'issuer', strategy: 'overlap', on: 'fake' }, describe.concurrent), 'person without a probe', () => issuerWorld('overlap', false))

describe.runIf(process.platform === 'linux')('with processes', () => {
  consumerSuite(proving({ connector: 'person', as: 'consumer', on: 'fake' }), 'person', consumerWorld)
})

checkSuite(proving({ connector: 'person', as: 'check', on: 'fake' }), 'person (S1-53, S1-54)', async () => ({
  check: openCheck(checkSchema.parse({ title: 'The bot answers', at: 'https://t.me/atlas_bot' }), host),
  wrong: openCheck(checkSchema.parse({ title: 'The bot sings' }), host),
  person: ({ title }) => (title === 'The bot answers' ? 'answered' : 'declined'),
  shown: [],
  break: () => undefined,
  close: async () => undefined,
}))
