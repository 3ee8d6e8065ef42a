import { setTimeout as pause } from 'node:timers/promises'

/** Looks every 20 ms until `look` finds something, and answers with it. Throws after `within` milliseconds, naming `what`. */
export async function until<T>(what: string, within: number, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = performance.now() + within
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`${what}: not within ${within} ms`)
    await pause(20)
  }
}
