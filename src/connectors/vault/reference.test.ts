import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asker } from '../../../test/systems/vault/ask.ts'
import { reachFake } from '../../../test/systems/vault/reach.ts'
import type { Vault } from '../../../test/systems/vault/worlds.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { callWithin } from '../../testing/call.ts'
import { openReference } from './index.ts'

let vault: Vault
let home: string
const value = generate(ALNUM, 32)
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'keyturn-vault-home-'))
  vault = await reachFake()
  const ask = asker(vault.url, vault.root)
  await ask('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
  await ask('POST', 'secret/data/atlas', { data: { password: value } })
})
afterEach(async () => {
  rmSync(home, { recursive: true, force: true })
  await vault.close()
})

async function resolve(env: Record<string, string>, noticed: string[] = []): Promise<unknown> {
  const answer = await openReference({ env: { VAULT_ADDR: vault.front.url, ...env }, notice: (text) => { noticed.push(text) } }).resolve('secret/data/atlas#password', callWithin(5_000))
  return answer.is === 'done' ? answer.value.reveal() : answer
}

describe('the way in of ${vault:...}', () => {
  it('is VAULT_TOKEN, or what `vault login` left in the home folder', async () => {
    writeFileSync(join(home, '.vault-token'), `${vault.root}\n`, { mode: 0o600 })
    expect(await resolve({ VAULT_TOKEN: vault.root })).toBe(value)
    expect(await resolve({ HOME: home })).toBe(value)
  })

  it('tells of a token file that others may read (S2-53)', async () => {
    const [noticed, path] = [[] as string[], join(home, '.vault-token')]
    writeFileSync(path, vault.root)
    for (const [mode, told] of [[0o600, 0], [0o640, 1], [0o644, 1]] as const) {
      noticed.length = 0
      chmodSync(path, mode)
      expect(await resolve({ HOME: home }, noticed)).toBe(value)
      expect(noticed.length).toBe(told)
    }
  })

  it.each([
    [{ VAULT_ADDR: '' }, 'VAULT_ADDR'],
    [{ VAULT_ADDR: 'vault.example' }, 'VAULT_ADDR'],
    [{}, 'VAULT_TOKEN'],
    [{ VAULT_ROLE_ID: 'x' }, 'VAULT_SECRET_ID'],
    [{ HOME: '/nonexistent' }, '~/.vault-token'],
  ])('is missing with %j, and it says what', async (env, named) => {
    const answer = await resolve(env)
    expect(answer).toMatchObject({ is: 'refused', code: 'REFERENCE_UNRESOLVED' })
    expect(JSON.stringify(answer)).toContain(named)
  })

  it('that Vault does not take is said to be so', async () => {
    expect(await resolve({ VAULT_TOKEN: 'hvs.nobody' })).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
  })
})
