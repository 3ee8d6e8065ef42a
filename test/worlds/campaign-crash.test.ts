import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { expectRun, useTheatre } from './theatre.ts'
import { openThree, type Shop } from './shop.ts'
import type { World } from './world.ts'

const theatre = useTheatre()
const shops: Shop[] = []
afterEach(() => {
  for (const shop of shops.splice(0)) shop.close()
})

/** Around everything that a campaign adds: between its openings, before and after its barrier, at the reload that is shared, and behind it. */
const SHARED = ['cache/publish:0/after-outcome', 'database/reload:0.0/before-intent', 'database/reload:0.0/after-effect', 'database/reload:0.0/after-outcome']
const POINTS = {
  sqlite: ['preflight/before-intent', 'cache/preflight/after-outcome', 'cache/publish:0/after-effect', 'database/reload:0.0/after-intent', 'cache/attest:0.0/before-intent', 'queue/mint/after-effect', ...SHARED],
  // What the database does to a campaign it does where one waits for another.
  postgres: SHARED,
} as const

async function open(kind: 'sqlite' | 'postgres'): Promise<{ world: World; shop: Shop; env: Record<string, string> }> {
  const world = await theatre.open()
  const shop = await openThree(world)
  shops.push(shop)
  if (kind === 'sqlite') return { world, shop, env: {} }
  const database = `${world.role}_state`
  await world.stage.database.admin(`create database ${database}`)
  const url = new URL(world.server.adminUrl)
  url.pathname = `/${database}`
  writeFileSync(world.stage.manifest, `state: \${env:CAMPAIGN_STATE}\n${readFileSync(world.stage.manifest, 'utf8')}`)
  return { world, shop, env: { CAMPAIGN_STATE: url.href } }
}

describe.each(['sqlite', 'postgres'] as const)('a campaign that is killed, its state in %s (C-37)', (kind) => {
  it.each(POINTS[kind])('at %s is resumed to its end, every service restarted once', async (point) => {
    const { world, shop, env } = await open(kind)
    const before = await world.stage.dsn()
    expect((await world.keyturn(['rotate', '--all', '--wait'], { env, rehearse: `kill:${point}` })).signal).toBe('SIGKILL')
    expectRun(await world.keyturn(['resume', '--wait'], { env }), 0, /Done: database-/, /Done: cache-/, /Done: queue-/)
    expect([shop.starts('gateway'), shop.starts('worker')]).toEqual([{ 'gateway-1': 1, 'gateway-2': 1 }, { 'worker-1': 1, 'worker-2': 1 }])
    expect([await world.login(before), await world.login(await world.stage.dsn())]).toEqual(['28P01', 'accepted'])
    expectRun(await world.keyturn(['audit', 'verify'], { env }), 0)
    expectRun(await world.keyturn(['resume'], { env }), 0, /Nothing is open/)
  })
})
