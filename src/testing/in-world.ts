import type { Runner } from './runner.ts'

/** A test that is given a world of its own, which is closed however the test ends. */
export function inWorldOf<W extends { close(): Promise<void> | void }>(
  it: Runner['it'],
  open: () => Promise<W> | W,
): (name: string, body: (world: W) => Promise<void>) => void {
  return (name, body) => {
    it(name, async () => {
      const world = await open()
      try {
        await body(world)
      } finally {
        await world.close()
      }
    })
  }
}
