import { describe, expect, it } from 'vitest'
import { durationOf, durationSchema } from '../kit/duration.ts'
import { expectationSchema, jsonAt, unmet, unwanted } from './expectation.ts'

describe('unmet', () => {
  const body = JSON.stringify({ components: [{ name: 'db', state: 'ok' }], mode: 'gateway', nothing: null, count: 1 })

  it('names what does not hold and nothing of the text', () => {
    const all = { includes: 'gateway', matches: '"count":\\d', json: { mode: 'gateway', 'components.0.state': 'ok' } }
    expect(unmet(all, body)).toBeUndefined()
    expect(unmet({ json: { mode: 'legacy' } }, body)).toBe('json:mode')
    expect(unmet({ equals: 'ok' }, 'ok\n')).toBeUndefined()
    expect(unmet({ equals: 'ok' }, 'not ok')).toBe('equals')
    expect(unmet({ includes: 'x' }, 'y')).toBe('includes')
    expect(unmet({ matches: '^a$' }, 'ab')).toBe('matches')
  })

  it('fails when the path is absent, also where null is expected (C-05)', () => {
    expect(unmet({ json: { 'components.postgres': 'ok' } }, body)).toBe('json:components.postgres')
    expect(unmet({ json: { absent: null } }, body)).toBe('json:absent')
    expect(unmet({ json: { nothing: null } }, body)).toBeUndefined()
    expect(unmet({ json: { 'mode.length': 7 } }, body)).toBe('json:mode.length')
    expect(unmet({ json: { constructor: 'x' } }, body)).toBe('json:constructor')
    expect(jsonAt(JSON.parse(body), 'toString')).toBeUndefined()
  })

  it('compares type and value', () => {
    expect(unmet({ json: { count: '1' } }, body)).toBe('json:count')
    expect(unmet({ json: { count: 1 } }, body)).toBeUndefined()
  })

  it('fails on what is no JSON', () => {
    for (const text of ['', 'null', '<html>', '[1]']) expect(unmet({ json: { mode: 'gateway' } }, text)).toBe('json:mode')
  })
})

describe('unwanted', () => {
  it('names what must not be there', () => {
    expect(unwanted({ includes: 'fallback' }, 'a real answer')).toBeUndefined()
    expect(unwanted({ includes: 'fallback' }, 'the fallback')).toBe('not:includes')
    expect(unwanted({ equals: 'none' }, ' none ')).toBe('not:equals')
    expect(unwanted({ matches: 'f.l' }, 'fallback')).toBe('not:matches')
    expect(unwanted({ json: { mode: 'baseline' } }, '{"mode":"gateway"}')).toBeUndefined()
    expect(unwanted({ json: { mode: 'baseline' } }, '{"mode":"baseline"}')).toBe('not:json:mode')
  })

  it('does not pass on what cannot be looked into (C-05)', () => {
    expect(unwanted({ includes: 'fallback' }, ' \n')).toBe('not:empty')
    expect(unwanted({ json: { mode: 'baseline' } }, '{}')).toBe('not:json:mode')
    expect(unwanted({ json: { mode: 'baseline' } }, '<html>')).toBe('not:json:mode')
  })
})

describe('schemas', () => {
  it('refuse an expectation that always holds, and a pattern that is none', () => {
    expect(expectationSchema.safeParse({}).success).toBe(false)
    expect(expectationSchema.safeParse({ matches: '(' }).success).toBe(false)
    expect(expectationSchema.safeParse({ matches: '^a' }).success).toBe(true)
  })

  it('durations are a whole number and a unit', () => {
    expect(['250ms', '30s', '10m', '48h', '90d'].map(durationOf)).toEqual([250, 30_000, 600_000, 172_800_000, 7_776_000_000])
    const bad = ['', '0s', '1', '1 s', '1.5s', '-1s', '1w', '00s']
    for (const text of bad) expect(durationSchema.safeParse(text).success).toBe(false)
    expect(() => durationOf('soon')).toThrow(RangeError)
  })
})
