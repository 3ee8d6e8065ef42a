import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Observation } from '../../kit/issuer.ts'
import type { HttpResponse } from '../../outside/http/index.ts'
import { listedSchema } from './answers.ts'
import { readListed, readMinted } from './reading.ts'

const NOW = Date.UTC(2026, 0, 1, 12)
const schema = z.strictObject({ url: z.string(), method: z.literal('GET'), ...listedSchema })
type Written = Omit<z.input<typeof schema>, 'url' | 'method'>

const answer = (document: unknown, more: Partial<HttpResponse> = {}): HttpResponse => ({ status: 200, text: JSON.stringify(document), complete: true, took: 1, ...more })

function read(written: Written, document: unknown, more: Partial<HttpResponse> = {}): Observation | string {
  const list = schema.parse({ url: 'https://api.example/keys', method: 'GET', ...written })
  const seen = readListed(answer(document, more), list, 'atlas', NOW, 'api.example')
  return seen.is === 'done' ? seen.value : seen.is === 'ask' ? seen.is : `${seen.is} ${seen.code}`
}

const usesOf = (seen: Observation | string): unknown => (typeof seen === 'string' ? seen : seen.known[0]?.uses)
const stateOf = (seen: Observation | string): unknown => (typeof seen === 'string' ? seen : seen.known[0]?.state)

describe('a list of credentials', () => {
  it('gives id, state and tag of each item by their paths', () => {
    const written = {
      items: 'data.keys',
      complete: true,
      item: { id: 'meta.id', state: { path: 'status', off: ['disabled'], gone: ['deleted', null] }, tag: { path: 'name', matches: '^atlas (\\S+)$' } },
    }
    const keys = [
      { meta: { id: 'a' }, status: 'active', name: 'atlas kt-1' },
      { meta: { id: 7 }, status: 'disabled', name: 'made by hand' },
      { meta: { id: 'c' }, status: null, name: null },
    ]
    const seen = read(written, { data: { keys } })
    expect(seen).toMatchObject({
      known: [{ id: 'a', state: 'on', tag: 'kt-1', uses: [] }, { id: '7', state: 'off' }, { id: 'c', state: 'gone' }],
      complete: true,
    })
    expect(typeof seen === 'string' ? seen : seen.known.filter(({ tag }) => tag !== undefined).length).toBe(1)
  })

  it('leaves out what belongs to others (S0-14)', () => {
    const written = { item: { id: 'id', where: { owner: 'atlas', 'meta.name': { matches: '^atlas-' } } } }
    const keys = [
      { id: 'a', owner: 'atlas', meta: { name: 'atlas-1' } },
      { id: 'b', owner: 'atlas', meta: { name: 'other' } },
      { id: 'c', owner: 'nova', meta: { name: 'atlas-2' } },
      { id: 'd' },
    ]
    expect(read(written, keys)).toMatchObject({ known: [{ id: 'a' }], complete: false })
  })

  it('has one credential with the name of the principal where none tells an id', () => {
    expect(read({ item: {} }, [{ anything: 1 }])).toMatchObject({ known: [{ id: 'atlas', state: 'on' }] })
  })

  it.each([
    ['an item without an id', { item: { id: 'id' } }, [{ id: 'a' }, { name: 'b' }]],
    ['an id that a number cannot hold', { item: { id: 'id' } }, [{ id: 2 ** 60 }]],
    ['an empty id', { item: { id: 'id' } }, [{ id: '' }]],
    ['no list', { items: 'keys', item: { id: 'id' } }, { keys: { a: 1 } }],
    ['a time without a zone', { item: { id: 'id', lastUsed: 'used' } }, [{ id: 'a', used: '2026-01-01T11:00:00' }]],
    ['a day', { item: { id: 'id', lastUsed: 'used' } }, [{ id: 'a', used: '2026-01-01' }]],
    ['a count that is none', { item: { id: 'id', uses: 'uses' } }, [{ id: 'a', uses: null }]],
    ['no clock', { clock: 'now', item: { id: 'id' } }, [{ id: 'a' }]],
  ])('is unfit as a whole with %s: nothing is overlooked', (_title, written, document) => {
    expect(read(written, document)).toBe('unknown RESPONSE_UNFIT')
  })

  it('is unfit when it is cut or no JSON', () => {
    expect(read({ item: { id: 'id' } }, [{ id: 'a' }], { complete: false })).toBe('unknown RESPONSE_UNFIT')
    expect(read({ item: { id: 'id' } }, [], { text: '<html>' })).toBe('unknown RESPONSE_UNFIT')
  })

  it('is complete when it is said to be, or the fields of the answer say so', () => {
    const whole = (complete: Written['complete'], document: object): unknown => {
      const seen = read({ items: 'keys', ...(complete === undefined ? {} : { complete }), item: { id: 'id' } }, { keys: [], ...document })
      return typeof seen === 'string' ? seen : seen.complete
    }
    expect(whole(undefined, {})).toBe(false)
    expect(whole(true, {})).toBe(true)
    expect(whole({ has_more: false, next: null }, { has_more: false, next: null })).toBe(true)
    expect(whole({ has_more: false, next: null }, { has_more: false })).toBe(false)
    expect(whole({ has_more: false }, { has_more: true })).toBe(false)
  })
})

it('says when a credential expires where the provider does, and that it cannot be read where that is no time (R-04)', () => {
  const at = (expires: unknown): ReturnType<typeof read> => read({ item: { id: 'id', expires: 'until' } }, [{ id: 'a', until: expires }])
  expect(at('2027-03-01T00:00:00Z')).toMatchObject({ known: [{ id: 'a', expiresAt: Date.UTC(2027, 2, 1) }] })
  expect(at(null)).toMatchObject({ known: [{ id: 'a', state: 'on', uses: [] }] })
  expect(at('in March')).toBeTypeOf('string')
})

describe('the uses of a credential', () => {
  const used = (lastUsed: unknown, recent = '10m'): unknown => usesOf(read({ recent, item: { id: 'id', lastUsed: 'used' } }, [{ id: 'a', used: lastUsed }]))

  it('are those that are counted', () => {
    expect(usesOf(read({ item: { id: 'id', uses: 'n' } }, [{ id: 'a', n: 3 }]))).toEqual([{ by: 'somebody', count: 3 }])
    expect(usesOf(read({ item: { id: 'id', uses: 'n' } }, [{ id: 'a', n: 0 }]))).toEqual([])
  })

  it.each([
    ['ISO 8601 in UTC', '2026-01-01T11:55:00.123Z'],
    ['ISO 8601 with a zone', '2026-01-01T12:55:00+01:00'],
    ['Unix seconds', (NOW - 300_000) / 1000],
    ['Unix milliseconds', NOW - 300_000],
  ])('are one lately when it was used within `recent`: %s', (_title, when) => {
    expect(used(when)).toEqual([{ by: 'somebody-lately', count: 1 }])
    expect(used(when, '4m')).toEqual([])
  })

  it('are none when it was never used', () => {
    expect(used(null)).toEqual([])
    expect(used(undefined)).toEqual([])
  })

  it('are seen up to the clock of the server less its lag, and never when the list shows none', () => {
    const seenUpTo = (written: Written, document: unknown, date?: number): unknown => {
      const seen = read(written, document, date === undefined ? {} : { date })
      return typeof seen === 'string' ? seen : [seen.seenUpTo, seen.clock]
    }
    const item = { id: 'id', lastUsed: 'used' }
    expect(seenUpTo({ item }, [])).toEqual([NOW, undefined])
    expect(seenUpTo({ item }, [], NOW - 5_000)).toEqual([NOW - 5_000, NOW - 5_000])
    expect(seenUpTo({ items: 'keys', clock: 'now', lag: '1h', item }, { keys: [], now: NOW / 1000 })).toEqual([NOW - 3_600_000, NOW])
    expect(seenUpTo({ item: { id: 'id' } }, [])).toEqual([0, undefined])
  })

  it('do not depend on the state', () => {
    const seen = read({ item: { id: 'id', uses: 'n', state: { path: 'on', off: [false] } } }, [{ id: 'a', n: 1, on: false }])
    expect([stateOf(seen), usesOf(seen)]).toEqual(['off', [{ by: 'somebody', count: 1 }]])
  })
})

describe('a minted credential', () => {
  it('is read by its paths', () => {
    const minted = readMinted(answer({ data: { id: 12 }, keys: [{ secret: 's' }] }), { id: 'data.id', fields: { token: 'keys.0.secret' } }, 'api.example')
    expect(minted.is === 'done' && [minted.value.id, minted.value.fields['token']?.reveal()]).toEqual(['12', 's'])
  })

  it.each([
    ['a field', {}, { fields: { token: 'token' } }],
    ['an id', { token: 's' }, { id: 'id', fields: { token: 'token' } }],
  ])('is unknown without %s: it was made, but nobody has it (X-05)', (_title, document, at) => {
    expect(readMinted(answer(document), at, 'api.example')).toMatchObject({ is: 'unknown', code: 'RESPONSE_UNFIT' })
  })
})
