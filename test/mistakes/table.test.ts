import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MISTAKES } from '../../scripts/gen/mistakes-table.ts'
import { mistakeFaults, proofsOf, reading } from '../../scripts/gen/mistakes.ts'

const textOf = reading(join(import.meta.dirname, '..', '..'))

describe('the forty mistakes of the runbooks', () => {
  it('are all in the table', () => {
    expect(MISTAKES.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, index) => `C-${String(index + 1).padStart(2, '0')}`))
  })

  it('are each in the name of a test, but for four that wait for the connector of their provider', () => {
    expect(mistakeFaults(textOf)).toEqual([])
    expect(MISTAKES.filter(({ later }) => later !== undefined).map(({ id }) => id)).toEqual(['C-21', 'C-34', 'C-36', 'C-40'])
    expect(MISTAKES.filter((mistake) => mistake.later === undefined && proofsOf(mistake, textOf).length === 0)).toEqual([])
  })

  it.each([
    ["it('does not (C-99)', () => {})", ['does not (C-99)']],
    ["it.each([['a', 1]])('%s is not (I1, C-99)', () => {", ['%s is not (I1, C-99)']],
    ["// it('does not (C-99)')", []],
    [' * it does not (C-99)', []],
    ['const id = C-99', []],
    ["it('is another one (C-991)', () => {})", []],
  ])('are found in names and nowhere else: %s', (line, names) => {
    expect(proofsOf({ id: 'C-99', mistake: '', avoided: '', proven: ['a.test.ts'] }, () => line).map(({ name }) => name)).toEqual(names)
  })
})
