import type { Ms } from '../kit/call.ts'
import type { Waker } from './waker.ts'

/** After a failure it is opened again this much later. */
const AGAIN_MS = 10_000

/**
 * A waker that is opened when it is first asked for something, and again some time after that failed: until then, every question fails
 * as the opening did.
 */
export function patientWaker(open: () => Promise<Waker>, now: () => number, again: Ms = AGAIN_MS): Waker {
  let opened: Promise<Waker> | undefined
  let againAt = Number.POSITIVE_INFINITY
  const ready = (): Promise<Waker> => {
    if (opened === undefined || now() >= againAt) {
      againAt = Number.POSITIVE_INFINITY
      opened = open()
      opened.catch(() => { againAt = now() + again })
    }
    return opened
  }
  return {
    expect: async (due) => (await ready()).expect(due),
    take: async (count) => (await ready()).take(count),
    async close() {
      const waker = await opened?.catch(() => undefined)
      await waker?.close()
    },
  }
}
