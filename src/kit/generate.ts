import { randomInt } from 'node:crypto'

/** Letters and digits: every reader of every store reads them the same, and no encoding changes them. */
export const ALNUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A uniform integer from 0 up to, not including, `limit`. */
export type Draw = (limit: number) => number

/**
 * Random text of exactly `length` characters of the alphabet, each with the same probability. The source is the operating
 * system's (`crypto.randomInt`, which throws away what would make it uneven); `draw` is for tests.
 * Throws a RangeError for an alphabet with fewer than two or with repeated characters, and for a length that is no count.
 */
export function generate(alphabet: string, length: number, draw: Draw = (limit) => randomInt(limit)): string {
  const characters = [...alphabet]
  if (characters.length < 2 || new Set(characters).size !== characters.length)
    throw new RangeError('alphabet: two characters or more, each once')
  if (!Number.isSafeInteger(length) || length < 1) throw new RangeError('length: a whole number above 0')
  return Array.from({ length }, () => characters[draw(characters.length)]).join('')
}

/** How many bits of surprise a generated text holds. */
export function strength(alphabet: string, length: number): number {
  return Math.log2([...alphabet].length) * length
}
