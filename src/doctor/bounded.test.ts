import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { mapBounded } from './bounded.ts'

it('works on so many at the same time and no more, and keeps the order', async () => {
  let underway = 0
  let most = 0
  const work = async (item: number): Promise<number> => {
    most = Math.max(most, (underway += 1))
    // The first ones take longest.
    for (let left = 20 - item; left > 0; left -= 1) await turn()
    underway -= 1
    return item * 2
  }
  const items = Array.from({ length: 20 }, (_, index) => index)
  expect(await mapBounded(items, 6, work)).toEqual(items.map((item) => item * 2))
  expect(most).toBe(6)
  expect(await mapBounded([], 6, work)).toEqual([])
  await expect(mapBounded([1, 2], 6, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
})
