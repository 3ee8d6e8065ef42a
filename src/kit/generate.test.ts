import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ALNUM, generate, strength } from './generate.ts'

describe('generate', () => {
  it('gives exactly the length, of the alphabet only', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (length) => {
        const text = generate(ALNUM, length)
        expect(text).toHaveLength(length)
        expect([...text].every((character) => ALNUM.includes(character))).toBe(true)
      }),
    )
  })

  it('takes what is drawn, in order', () => {
    const draws = [2, 0, 1]
    expect(generate('abc', 3, () => draws.shift() ?? 0)).toBe('cab')
  })

  it('gives every character the same chance: a chi-squared test over 62,000 draws', () => {
    const counts = new Map<string, number>([...ALNUM].map((character) => [character, 0]))
    for (const character of generate(ALNUM, 62_000)) counts.set(character, (counts.get(character) ?? 0) + 1)
    const chi = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
    // 61 degrees of freedom: above 150 once in 10^8 runs; a byte modulo 62 gives some 400.
    expect(chi).toBeLessThan(150)
  })

  it('refuses an alphabet that is uneven or a length that is none', () => {
    expect(() => generate('aab', 3)).toThrow(RangeError)
    expect(() => generate('a', 3)).toThrow(RangeError)
    expect(() => generate('ab', 0)).toThrow(RangeError)
    expect(() => generate('ab', 1.5)).toThrow(RangeError)
  })

  it('knows the strength in bits', () => {
    expect(strength('0123456789abcdef', 64)).toBe(256)
    expect(strength(ALNUM, 22)).toBeGreaterThan(128)
  })
})
