import { afterAll, beforeAll, expect, it } from 'vitest'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { type MariaDb, startMariaDb } from '../mysql/mariadb.ts'
import { inFolder, readRecipe, rotateRecipe } from './recipe.ts'

let server: MariaDb
beforeAll(async () => {
  server = await startMariaDb()
})
afterAll(() => server.stop())

it('docs/recipes/mysql.md: the rights of its SQL are enough on MariaDB', async () => {
  const { block, secret } = readRecipe('mysql')
  const [old, admin] = [generate(ALNUM, 32), generate(ALNUM, 32)]
  await server.admin('CREATE DATABASE shop')
  await server.admin('CREATE TABLE shop.orders (a INT)')
  await server.admin(`CREATE USER shop@'%' IDENTIFIED BY '${old}'`)
  await server.admin(`GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO shop@'%'`)
  const statements = block('sql').replaceAll(/--.*$/gm, '').replace("'...'", `'${admin}'`).split(';').map((each) => each.trim())
  for (const statement of statements.filter((each) => each !== '')) await server.admin(statement)
  const { issuer, stores, ...rest } = secret('database')
  const { ran, env } = await rotateRecipe({ ...rest, issuer, stores: inFolder(stores) }, `DATABASE_URL=mysql://shop:${old}@127.0.0.1:${server.port}/shop\n`, {
    MYSQL_ADMIN_URL: `mysql://rotator:${admin}@127.0.0.1:${server.port}`,
  })
  expect(ran, ran.said).toMatchObject({ code: 0 })
  expect(new URL(env['DATABASE_URL'] ?? '').username).toBe('shop_alt')
  expect(await server.admin(`SELECT User AS user FROM mysql.user WHERE User LIKE 'shop%'`)).toEqual([{ user: 'shop_alt' }])
})
