import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, login, randomPassword } from '../../../demo/database.ts'
import { type Server as Postgres, startServer as startPostgres } from '../../../demo/server.ts'
import { asker, listOf, textOf } from '../vault/ask.ts'
import { type Server, startServer } from '../vault/server.ts'
import { type Block, inFolder, readRecipe, rotateRecipe } from './recipe.ts'

const { block, secret } = readRecipe('vault')
const folder = mkdtempSync(join(tmpdir(), 'keyturn-recipe-'))
let vault: Server
let postgres: Postgres
/** keyturn's own AppRole, with the policy of the recipe and nothing else but Vault's default one. */
let own: { readonly VAULT_ADDR: string; readonly VAULT_ROLE_ID: string; readonly VAULT_SECRET_ID: string }
beforeAll(async () => {
  [vault, postgres] = await Promise.all([startServer(), startPostgres()])
  const { ask, url } = vault
  await ask('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
  await ask('PUT', 'sys/policies/acl/keyturn', { policy: block('hcl') })
  await ask('POST', 'auth/approle/role/keyturn', { token_policies: ['keyturn'] })
  await ask('POST', 'auth/approle/role/shop', { token_ttl: 60, token_max_ttl: 120 })
  own = {
    VAULT_ADDR: url,
    VAULT_ROLE_ID: textOf(await ask('GET', 'auth/approle/role/keyturn/role-id'), 'data', 'role_id'),
    VAULT_SECRET_ID: textOf(await ask('POST', 'auth/approle/role/keyturn/secret-id', {}), 'data', 'secret_id'),
  }
  writeFileSync(join(folder, 'secret-id'), own.VAULT_SECRET_ID, { mode: 0o600 })
})
afterAll(async () => {
  await vault.stop()
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** As the recipe has it, at this Vault and with the secret id in a file of the test. */
const here = (part: Block): Block => ({ ...part, address: vault.url, login: { role_id: '${env:VAULT_ROLE_ID}', secret_id: `\${file:${join(folder, 'secret-id')}}` } })

describe('docs/recipes/vault.md: the rights of its policy are enough', () => {
  it('to keep a database password there, and to read the admin URL by reference', async () => {
    const old = randomPassword()
    const database = await createDatabase(postgres.adminUrl, 'shop', old)
    await vault.ask('POST', 'secret/data/keyturn/postgres', { data: { admin_url: new URL('/shop', postgres.adminUrl).href } })
    await vault.ask('POST', 'secret/data/shop/database', { data: { user: 'shop', password: old, LOG_LEVEL: 'info' } })
    const { stores, ...rest } = secret('database')
    const { ran } = await rotateRecipe({ ...rest, stores: stores.map(here) }, '', own)
    expect(ran, ran.said).toMatchObject({ code: 0 })
    const now = await vault.ask('GET', 'secret/data/shop/database')
    expect(textOf(now, 'data', 'data', 'user')).toBe('shop_alt')
    expect(textOf(now, 'data', 'data', 'LOG_LEVEL')).toBe('info')
    expect(await login(database.dsn('shop_alt', textOf(now, 'data', 'data', 'password')))).toBe('accepted')
    expect(await login(database.dsn('shop', old))).toMatch(/^28/)
  })

  it('to rotate a secret id', async () => {
    const made = await vault.ask('POST', 'auth/approle/role/shop/secret-id', {})
    const roleId = textOf(await vault.ask('GET', 'auth/approle/role/shop/role-id'), 'data', 'role_id')
    const [old, accessor] = [textOf(made, 'data', 'secret_id'), textOf(made, 'data', 'secret_id_accessor')]
    const { issuer, stores, ...rest } = secret('vault-login')
    const { ran, env } = await rotateRecipe({ ...rest, issuer: here(issuer), stores: inFolder(stores) }, `VAULT_SECRET_ID=${old}\nVAULT_SECRET_ID_ACCESSOR=${accessor}\n`, own, true)
    expect(ran, ran.said).toMatchObject({ code: 0 })
    expect(listOf(await vault.ask('GET', 'auth/approle/role/shop/secret-id?list=true'), 'data', 'keys')).toEqual([env['VAULT_SECRET_ID_ACCESSOR']])
    const enter = (secretId: string): Promise<unknown> => asker(vault.url, '')('POST', 'auth/approle/login', { role_id: roleId, secret_id: secretId })
    await enter(env['VAULT_SECRET_ID'] ?? '')
    await expect(enter(old)).rejects.toThrow('400')
  })
})
