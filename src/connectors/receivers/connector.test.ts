import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type ConsumerWorld, consumerSuite } from '../../testing/consumer.ts'
import { prepareServices } from '../../testing/services.ts'
import { until } from '../../testing/until.ts'
import { openConsumer } from './index.ts'
import { consumerSchema } from './manifest.ts'

const host: Host = { base: '/', now: () => Date.now(), resolve: async (text) => new Secret(text), conceal: () => undefined }

/** Real processes in the place of the receivers, and a person who brings them the value. */
async function consumerWorld(): Promise<ConsumerWorld> {
  const services = await prepareServices('gateway', 'graphsync')
  services.publish(services.old)
  const person = async (): Promise<void> => {
    await promisify(execFile)(services.restart, [...services.names])
    for (const name of services.names) await until(async () => (await services.truth(name)) !== undefined)
  }
  await person()
  const config = consumerSchema.parse({ receivers: Object.fromEntries(services.names.map((name) => [name, { person: 'who runs it', ready: `${services.url(name)}/readyz` }])) })
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

describe.runIf(process.platform === 'linux')('with processes', () => {
  consumerSuite(proving({ connector: 'receivers', as: 'consumer', on: 'fake' }), 'receivers (S2-39)', consumerWorld)
})

describe('the task', () => {
  const open = (more: object = {}): ReturnType<typeof openConsumer> => openConsumer(consumerSchema.parse({ receivers: { b: { person: 'Bo' }, a: { person: 'Ada', how: 'a letter' } }, ...more }), host)

  it('names those that are left, and is done when nobody is', async () => {
    const consumer = open({ fields: ['key'], due: '2d' })
    expect(await consumer.reload(callWithin(1_000), undefined, ['b'])).toMatchObject({ is: 'ask', task: { receivers: ['a'], fields: ['key'], due: 172_800_000, steps: [expect.stringMatching(/Ada, by a letter/) as string] } })
    expect(await consumer.reload(callWithin(1_000), undefined, ['a', 'b'])).toEqual({ is: 'done', value: { evidence: { receivers: 2 } } })
  })

  it('is of one consumer, in whichever order its receivers are written', () => {
    const other = openConsumer(consumerSchema.parse({ receivers: { a: { person: 'Ada' }, b: { person: 'Bo' } } }), host)
    expect(open().identity()).toBe(other.identity())
  })

  it.each<[string, object]>([
    ['nobody', { receivers: {} }],
    ['a name that no command line takes', { receivers: { 'a b': { person: 'Ada' } } }],
    ['a reference where tasks are shown', { receivers: { a: { person: '${env:ADA}' } } }],
    ['no person', { receivers: { a: {} } }],
  ])('is refused for %s', (_title, written) => {
    expect(consumerSchema.safeParse(written).success).toBe(false)
  })
})
