import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, login, randomPassword } from '../../../demo/database.ts'
import { type Server, startServer } from '../../../demo/server.ts'
import { inFolder, readRecipe, rotateRecipe } from './recipe.ts'

let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

it('docs/recipes/postgres.md: the rights of its SQL are enough, with the fence', async () => {
  const { block, secret } = readRecipe('postgres')
  const [old, admin] = [randomPassword(), randomPassword()]
  const database = await createDatabase(server.adminUrl, 'shop', old)
  await database.admin(block('sql').replace("'...'", `'${admin}'`))
  const { issuer, stores, ...rest } = secret('database')
  const { ran, env } = await rotateRecipe({ ...rest, issuer, stores: inFolder(stores) }, `DATABASE_URL=${database.dsn('shop', old)}\n`, { PG_ADMIN_URL: database.dsn('rotator', admin) })
  expect(ran, ran.said).toMatchObject({ code: 0 })
  expect(ran.said).not.toMatch(/unfenced/)
  expect(new URL(env['DATABASE_URL'] ?? '').username).toBe('shop_alt')
  expect(await login(env['DATABASE_URL'] ?? '')).toBe('accepted')
  expect(await login(database.dsn('shop', old))).toMatch(/^28/)
})
