import { describe, expect, it } from 'vitest'
import { dataPath, locateSecret } from './path.ts'
import { storeSchema } from './store-schema.ts'

describe('the path of a secret', () => {
  it.each([
    ['secret/atlas', undefined, 2, 'secret', 'atlas', 'secret/data/atlas'],
    ['secret/data/atlas', undefined, 2, 'secret', 'atlas', 'secret/data/atlas'],
    ['secret/data/data/atlas', undefined, 2, 'secret', 'data/atlas', 'secret/data/data/atlas'],
    ['secret/aos/openai', undefined, 2, 'secret', 'aos/openai', 'secret/data/aos/openai'],
    ['team/kv/atlas', 'team/kv', 2, 'team/kv', 'atlas', 'team/kv/data/atlas'],
    ['team/kv/data/atlas', 'team/kv', 2, 'team/kv', 'atlas', 'team/kv/data/atlas'],
    ['secret/data/atlas', undefined, 1, 'secret', 'data/atlas', 'secret/data/atlas'],
    ['secret/atlas', undefined, 1, 'secret', 'atlas', 'secret/atlas'],
  ] as const)('%s (mount %s, version %i) is one place (T-09)', (path, mount, version, at, name, api) => {
    const place = locateSecret({ path, mount, version })
    expect(place).toEqual({ mount: at, name, version })
    expect(place === undefined ? '' : dataPath(place)).toBe(api)
  })

  it.each([['secret'], ['secret/data'], ['secret/../sys/seal'], ['/secret/atlas'], ['secret/atlas/'], ['secret//atlas'], ['secret/at las'], ['secret/atlas?x'], ['secret/./atlas']])(
    '%s is refused when the manifest is read', (path) => {
      expect(storeSchema.safeParse({ address: 'https://vault.example', token: '${env:VAULT_TOKEN}', path }).success).toBe(false)
      expect(storeSchema.safeParse({ address: 'https://vault.example', token: '${env:VAULT_TOKEN}', path: 'secret/atlas' }).success).toBe(true)
    },
  )

  it('another mount than the path begins with is refused', () => {
    expect(storeSchema.safeParse({ address: 'https://vault.example', token: '${env:VAULT_TOKEN}', path: 'secret/atlas', mount: 'kv' }).success).toBe(false)
  })

  it.each([[{}], [{ token: '${env:T}', login: { role_id: 'a', secret_id: '${env:S}' } }]])('one way in is needed, and only one: %j', (way) => {
    expect(storeSchema.safeParse({ address: 'https://vault.example', path: 'secret/atlas', ...way }).success).toBe(false)
  })
})
