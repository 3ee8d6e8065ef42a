import { afterAll, beforeAll, expect, it } from 'vitest'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { type Broker, startBroker } from '../rabbitmq/broker.ts'
import { inFolder, readRecipe, rotateRecipe } from './recipe.ts'

let broker: Broker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker.stop())

it('docs/recipes/rabbitmq.md: a user with the tag administrator and no permission is enough', async () => {
  const { block, secret } = readRecipe('rabbitmq')
  // rabbitmqctl of a node of the test's own would need its cookie; the API does the same.
  const [, tag = ''] = /set_user_tags rotator (\w+)/.exec(block('sh')) ?? []
  const [old, admin] = [generate(ALNUM, 32), generate(ALNUM, 32)]
  await broker.ask('PUT', '/api/vhosts/shop')
  await broker.ask('PUT', '/api/users/rotator', { password: admin, tags: tag })
  await broker.ask('PUT', '/api/users/shop', { password: old, tags: '' })
  await broker.ask('PUT', '/api/permissions/shop/shop', { configure: '^shop', write: '.*', read: '.*' })
  const { issuer, stores, ...rest } = secret('broker')
  const here = { ...issuer, api: broker.url, endpoints: [{ name: 'rabbit-1', host: '127.0.0.1', port: broker.amqpPort }] }
  const { ran, env } = await rotateRecipe({ ...rest, issuer: here, stores: inFolder(stores) }, `AMQP_URL=amqp://shop:${old}@127.0.0.1:${broker.amqpPort}/shop\n`, { RABBITMQ_ADMIN_PASSWORD: admin })
  expect(ran, ran.said).toMatchObject({ code: 0 })
  expect(new URL(env['AMQP_URL'] ?? '').username).toBe('shop_alt')
  expect(await broker.ask('GET', '/api/users/shop_alt')).toMatchObject({ name: 'shop_alt' })
  await expect(broker.ask('GET', '/api/users/shop')).rejects.toThrow('404')
})
