import { expect, it } from 'vitest'
import { patientWaker } from './patient.ts'

it('a waker that cannot be opened is tried again after a while, and not before; it is closed if it was ever opened', async () => {
  let [now, opens, closes] = [0, 0, 0]
  const open = async (): Promise<{ expect(): Promise<void>; take(): Promise<string[]>; close(): Promise<void> }> => {
    opens += 1
    if (now < 100) throw new Error(`not at ${now}`)
    return { expect: () => Promise.resolve(), take: () => Promise.resolve(['a']), close: () => { closes += 1; return Promise.resolve() } }
  }
  const waker = patientWaker(open, () => now, 100)
  expect(opens).toBe(0)
  for (const at of [0, 50, 99]) {
    now = at
    await expect(waker.take(1)).rejects.toThrow('not at 0')
  }
  expect(opens).toBe(1)
  now = 100
  expect(await waker.take(1)).toEqual(['a'])
  await waker.expect([])
  expect(opens).toBe(2)
  await waker.close()
  expect(closes).toBe(1)
  await patientWaker(open, () => 0).close()
  expect(opens).toBe(2)
})
