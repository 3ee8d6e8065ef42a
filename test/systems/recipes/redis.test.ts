import { afterAll, beforeAll, expect, it } from 'vitest'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { askRedis, type RealRedis, startRedis } from '../../servers/redis.ts'
import { inFolder, readRecipe, rotateRecipe } from './recipe.ts'

let server: RealRedis
beforeAll(async () => {
  server = await startRedis({ keeping: 'config' })
})
afterAll(() => server.close())

it('docs/recipes/redis.md: the rights of its ACL are enough', async () => {
  const { block, secret } = readRecipe('redis')
  const [old, admin] = [generate(ALNUM, 32), generate(ALNUM, 32)]
  await askRedis(server.port, server.admin, 'ACL', 'SETUSER', 'shop', 'on', `>${old}`, '~shop:*', '+@all', '-@dangerous')
  await askRedis(server.port, server.admin, ...block('redis').trim().replace('>...', `>${admin}`).split(' '))
  const { issuer, stores, ...rest } = secret('cache')
  const here = { ...issuer, nodes: [{ name: 'primary', host: '127.0.0.1', port: server.port }] }
  const { ran, env } = await rotateRecipe({ ...rest, issuer: here, stores: inFolder(stores) }, `REDIS_URL=redis://shop:${old}@127.0.0.1:${server.port}\n`, {
    REDIS_ADMIN_URL: `redis://keeper:${admin}@127.0.0.1:${server.port}`,
  })
  expect(ran, ran.said).toMatchObject({ code: 0 })
  const { username, password } = new URL(env['REDIS_URL'] ?? '')
  expect(username).toBe('shop_alt')
  expect(await askRedis(server.port, { user: username, password }, 'ACL', 'WHOAMI').catch((thrown: unknown) => String(thrown))).toMatch(/shop_alt|NOPERM/)
  await expect(askRedis(server.port, { user: 'shop', password: old }, 'PING')).rejects.toThrow('WRONGPASS')
})
