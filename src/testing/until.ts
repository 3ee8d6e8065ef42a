import { setTimeout as wait } from 'node:timers/promises'
import type { Ms } from '../kit/call.ts'

/** Looks until it is so. Throws when it is not within `ms`. */
export async function until(isSo: () => boolean | Promise<boolean>, ms: Ms = 10_000): Promise<void> {
  const last = Date.now() + ms
  while (!(await isSo())) {
    if (Date.now() > last) throw new Error(`not so within ${ms} ms`)
    await wait(10)
  }
}
