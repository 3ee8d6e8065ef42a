import { type Answer, done } from '../../kit/answer.ts'

/** So many requests are under way at once: enough that a few hundred take no time, few enough that nobody notices. */
const AT_ONCE = 8

/** Asks for each of them, some at the same time, and answers all in their order; the first that is not done ends it. */
export async function eachOf<A, B>(all: readonly A[], look: (one: A) => Promise<Answer<B>>): Promise<Answer<B[]>> {
  const seen = new Map<number, B>()
  let failed: Answer<never> | undefined
  let next = 0
  const work = async (): Promise<void> => {
    while (failed === undefined && next < all.length) {
      const at = next
      next += 1
      const one = all[at]
      if (one === undefined) continue
      const answer = await look(one)
      if (answer.is === 'done') seen.set(at, answer.value)
      else failed ??= answer
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return failed ?? done([...seen].toSorted(([one], [two]) => one - two).map(([, value]) => value))
}
