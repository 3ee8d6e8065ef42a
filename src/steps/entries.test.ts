import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { done, type Entries, type Issuer, refused, Secret, type Store } from '../kit/index.ts'
import type { Binding } from '../manifest/model.ts'
import type { Shown } from '../plan/step.ts'
import { callWithin } from '../testing/call.ts'
import { readCurrent } from './current.ts'
import { entriesFor, holds, isOurs } from './entries.ts'
import { readKeySet, renderKeySet } from './key-set.ts'

const value = (): string => randomBytes(24).toString('base64')
const [oldValue, newValue] = [value(), value()]
const jwk = (kid: string): string => JSON.stringify({ crv: 'Ed25519', kid, kty: 'OKP', x: 'x' })

const BIND: Readonly<Record<string, Binding>> = {
  KEY: { template: '{value}' },
  KEY_PREVIOUS: { template: '{value}', slot: 'previous' },
  KEY_SPARE: { template: '{value}', slot: 'previous', empty: true },
  KEY_NEW: { template: '{value}', slot: 'new' },
  KEY_OLD: { template: '{value}', slot: 'old' },
  KEYS: { template: '{jwk}', slot: 'jwks' },
}

const place = { file: 'keyturn.yaml', line: 1, column: 1 }
const store = { use: 'dotenv', config: {}, place, bind: BIND, key: 'store', title: 'dotenv .env' }
const values = {
  old: { id: 'a', fields: { value: new Secret(oldValue), jwk: new Secret(jwk('a')) } },
  new: { id: 'b', fields: { value: new Secret(newValue), jwk: new Secret(jwk('b')) } },
}

/** What the store holds then, as text; null for a key that is not there. */
function shown(what: Shown): Record<string, string | null> {
  return Object.fromEntries(Object.entries(entriesFor({ plan: { stores: [store] }, values }, 0, what, {})).map(([key, secret]) => [key, secret?.reveal() ?? null]))
}

describe('the entries of a store while two keys are accepted', () => {
  it('show the new one beside, then the old one beside, and at last one alone (G-05, G-06, G-10, C-11)', () => {
    const set = (...kids: string[]): string => `{"keys":[${kids.map(jwk).join()}]}`
    expect(shown({ which: 'old', beside: 'new' })).toEqual({ KEY: oldValue, KEY_PREVIOUS: newValue, KEY_SPARE: newValue, KEY_NEW: newValue, KEY_OLD: oldValue, KEYS: set('a', 'b') })
    expect(shown({ which: 'new', beside: 'old' })).toEqual({ KEY: newValue, KEY_PREVIOUS: oldValue, KEY_SPARE: oldValue, KEY_NEW: newValue, KEY_OLD: oldValue, KEYS: set('b', 'a') })
    expect(shown({ which: 'new' })).toEqual({ KEY: newValue, KEY_PREVIOUS: null, KEY_SPARE: '', KEY_NEW: null, KEY_OLD: null, KEYS: set('b') })
  })

  it('are literal values, never the name of another key (C-32)', () => {
    for (const text of Object.values(shown({ which: 'new', beside: 'old' }))) expect(text).not.toMatch(/\$/)
  })

  it('are held when each is there, and none is that should not be', () => {
    const wanted = { KEY: new Secret('x'), KEY_PREVIOUS: null, KEY_SPARE: new Secret('') }
    expect(holds({ KEY: new Secret('x') }, wanted)).toBe(true)
    expect(holds({ KEY: new Secret('x'), KEY_SPARE: new Secret('') }, wanted)).toBe(true)
    expect(holds({ KEY: new Secret('x'), KEY_SPARE: new Secret('y') }, wanted)).toBe(false)
    expect(holds({ KEY: new Secret('x'), KEY_PREVIOUS: new Secret('y') }, wanted)).toBe(false)
  })

  it('are ours when they hold one of the two, or nothing where another one is kept', () => {
    const ours = (key: keyof typeof BIND, text: string): boolean => isOurs(BIND[key] ?? { template: '' }, new Secret(text), [values.old, values.new], ['value', 'jwk'])
    expect([ours('KEY', oldValue), ours('KEY', newValue), ours('KEY', value()), ours('KEY', '')]).toEqual([true, true, false, false])
    expect([ours('KEY_PREVIOUS', ''), ours('KEY_PREVIOUS', oldValue), ours('KEY_PREVIOUS', value())]).toEqual([true, true, false])
    const sets = [[jwk('a')], [jwk('b'), jwk('a')], [jwk('c'), jwk('a')]].map((keys) => ours('KEYS', `{"keys":[${keys.join()}]}`))
    expect([...sets, ours('KEYS', '{"keys":1}')]).toEqual([true, true, false, false])
  })
})

describe('a key set', () => {
  it('is read the same however it is written', () => {
    const pretty = JSON.stringify({ note: 1, keys: [{ x: 'x', kty: 'OKP', kid: 'a', crv: 'Ed25519' }] }, null, 2)
    expect(readKeySet(new Secret(pretty))?.map((key) => key.reveal())).toEqual([jwk('a')])
    expect(readKeySet(renderKeySet([new Secret(jwk('a')), new Secret(jwk('b'))]))?.map((key) => key.reveal())).toEqual([jwk('a'), jwk('b')])
  })

  it.each(['', '[]', '{}', '{"keys":{}}', '{"keys":["a"]}', '{'])('is none: %s', (text) => {
    expect(readKeySet(new Secret(text))).toBeUndefined()
  })
})

describe('the credential in use, where two may be accepted', () => {
  const traits = { fields: { value: 'secret', jwk: 'plain' } } as unknown as Issuer['traits']
  const issuer = { traits, idOf: () => 'key' } as Partial<Issuer> as Issuer
  const said = (entries: Entries, read: Store['traits']['read'] = 'value'): Promise<unknown> => {
    const seen = { title: () => 'dotenv .env', traits: { read, cas: true }, read: async () => done({ entries, revision: '1' }) } as Partial<Store> as Store
    return readCurrent({ issuer, stores: [seen] }, [store], callWithin(1_000))
  }
  const rest = { KEY: new Secret(oldValue), KEY_SPARE: new Secret(''), KEYS: new Secret(`{"keys":[${jwk('a')}]}`) }

  it('is read where nothing else is accepted, or the same value twice', async () => {
    expect(await said(rest)).toMatchObject({ is: 'done', value: { id: 'key' } })
    expect(await said({ ...rest, KEY_NEW: new Secret(oldValue) })).toMatchObject({ is: 'done' })
  })

  it('is refused while an older key is held, for what that one signed may be alive; no value is shown (C-09, C-11)', async () => {
    for (const key of ['KEY_PREVIOUS', 'KEY_SPARE', 'KEY_OLD', 'KEY_NEW']) {
      expect(await said({ ...rest, [key]: new Secret(value()) })).toEqual(refused('PREVIOUS_HELD', `${key} in dotenv .env`))
    }
    expect(await said({ ...rest, KEYS: new Secret(`{"keys":[${jwk('a')},${jwk('z')}]}`) })).toEqual(refused('PREVIOUS_HELD', 'KEYS in dotenv .env has 2 keys'))
    expect(await said({ ...rest, KEYS: new Secret('{"keys":[]}') })).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
  })

  it('is refused where the old value cannot be held, for a store cannot be read', async () => {
    for (const read of ['none', 'digest'] as const) expect(await said(rest, read)).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
  })
})
