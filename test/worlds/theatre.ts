import { afterAll, afterEach, beforeAll, expect, inject, vi } from 'vitest'
import { type Package, packageAt } from '../servers/package.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import type { Ran } from './keyturn.ts'
import { openWorld, type World, type WorldOptions } from './world.ts'

/** Where the worlds of one test file are set. */
export interface Theatre {
  readonly server: PostgresServer
  /** A world for one test; after it everything that came out of it is scanned, and it is taken away. */
  open(options?: WorldOptions): Promise<World>
  /** One for all tests of the file: scanned after each, taken away in the end. */
  keep(options?: WorldOptions): Promise<World>
  /** One that is not scanned: for the test that shows that the scan finds something. */
  openLeaky(options?: WorldOptions): Promise<World>
}

/**
 * Registers the hooks of a test file and gives it a PostgreSQL of its own: its log holds every statement, and is read from
 * beginning to end; its pg_hba.conf may be edited.
 */
export function useTheatre(): Theatre {
  // Many processes, perhaps on a busy machine: every wait is for a condition, none for a time.
  vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
  let server: PostgresServer | undefined
  let shipped: Package | undefined
  const running = (): PostgresServer => {
    if (server === undefined) throw new Error('the server runs from beforeAll on')
    return server
  }
  const packaged = (): Package => {
    if (shipped === undefined) throw new Error('the package is there from beforeAll on')
    return shipped
  }
  const kept: World[] = []
  const fresh: World[] = []
  const leaky: World[] = []
  const set = async (list: World[], options?: WorldOptions): Promise<World> => {
    const world = await openWorld(running(), packaged(), options)
    list.push(world)
    return world
  }
  beforeAll(async () => {
    shipped = await packageAt(inject('packageFolder'))
    server = await startPostgres({ config: { max_connections: '100' } })
  })
  afterEach(async () => {
    const leaks = (await Promise.all([...kept, ...fresh].map((world) => world.leaks()))).flat()
    for (const world of [...fresh.splice(0), ...leaky.splice(0)]) await world.close()
    expect(leaks).toEqual([])
  })
  afterAll(async () => {
    for (const world of kept) await world.close()
    await server?.stop()
  })
  return {
    get server() { return running() },
    open: (options) => set(fresh, options),
    keep: (options) => set(kept, options),
    openLeaky: (options) => set(leaky, options),
  }
}

/** Holds a run to its exit code and to what it says; a failure shows all that it said. */
export function expectRun(ran: Ran, code: number, ...says: readonly (string | RegExp)[]): void {
  expect(ran.code, `keyturn ${ran.args.join(' ')} said:\n${ran.said}`).toBe(code)
  for (const each of says) expect(ran.said).toMatch(each)
}
