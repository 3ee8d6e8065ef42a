import { afterEach, describe, expect, it } from 'vitest'
import { openShop, type Shop } from './shop.ts'
import { expectRun, useTheatre } from './theatre.ts'
import type { SecretBlock, World, WorldOptions } from './world.ts'

const theatre = useTheatre()
const shops: Shop[] = []
afterEach(() => {
  for (const shop of shops.splice(0)) shop.close()
})

/** Three secrets; `database` and `cache` are used by the gateway, `queue` by the worker. */
async function open(options: WorldOptions = {}): Promise<{ world: World; shop: Shop; change: Shop['manifest'] }> {
  const world = await theatre.open(options)
  for (const name of ['cache', 'queue']) await world.addSecret(name)
  const shop = openShop(world, ['gateway', 'worker', 'other'])
  shops.push(shop)
  shop.manifest((secrets) => {
    for (const [name, service] of Object.entries({ database: 'gateway', cache: 'gateway', queue: 'worker' })) of(secrets, name).consumers = [shop.consumer(service)]
  })
  return { world, shop, change: shop.manifest }
}

function of(secrets: Record<string, SecretBlock>, name: string): SecretBlock {
  const secret = secrets[name]
  if (secret === undefined) throw new Error(`there is no secret ${name}`)
  return secret
}

interface Members { readonly campaign: string; readonly members: readonly { readonly secret: string; readonly is: string; readonly result?: string; readonly rotation?: string }[] }

const once = { 'gateway-1': 1, 'gateway-2': 1 }
const none = (service: string): Record<string, number> => ({ [`${service}-1`]: 0, [`${service}-2`]: 0 })

describe('several secrets as one', () => {
  it('restarts the service of two of three secrets once, and ends with all of them proven (S1-24, C-31, R-16)', async () => {
    const { world, shop } = await open()
    const planned = await world.keyturn(['plan', '--all', '--offline', '--json'])
    expect((planned.json() as { batches: unknown }).batches).toEqual([
      { secrets: ['database', 'cache'], shared: [{ consumer: 'process gateway', secrets: ['database', 'cache'] }] }, { secrets: ['queue'], shared: [] },
    ])
    const before = await world.stage.dsn()
    const ran = await world.keyturn(['rotate', '--all', '--wait'])
    expectRun(ran, 0, /Done: database-/, /Done: cache-/, /Done: queue-/)
    expect(shop.starts('gateway')).toEqual(once)
    expect(shop.starts('worker')).toEqual({ 'worker-1': 1, 'worker-2': 1 })
    expect(await world.login(before)).toBe('28P01')
    expectRun(await world.keyturn(['audit', 'verify']), 0)
    expectRun(await world.keyturn(['status']), 0, /Nothing is open/)
    expectRun(await world.keyturn(['resume']), 0, /Nothing is open/)
  })
})


const REFUSE = { rehearse: 'refuse:cache/mint' } as const

describe('one of several that fails', () => {
  it('is rolled back alone and stops what has not begun, which is listed with how to go on; with --keep-going it stops nothing (S1-24, S1-38, X-04)', async () => {
    const { world, shop, change } = await open()
    change((secrets) => { of(secrets, 'cache').consumers = [shop.consumer('worker')] ; of(secrets, 'queue').consumers = [shop.consumer('other')] })
    const ran = await world.keyturn(['rotate', '--all', '--wait', '--json'], REFUSE)
    expectRun(ran, 5)
    const { members } = ran.json() as Members
    expect(members.map(({ secret, is, result }) => `${secret} ${is} ${result ?? ''}`.trim())).toEqual(['database closed done', 'cache closed rolled-back', 'queue not-begun'])
    expect([shop.starts('gateway'), shop.starts('worker'), shop.starts('other')]).toEqual([once, none('worker'), none('other')])
    expectRun(await world.keyturn(['status']), 0, /Nothing is open/)

    const again = await world.keyturn(['rotate', 'cache', 'queue', '--wait'], REFUSE)
    expectRun(again, 5, /Rolled back: cache-/, /Not begun: queue\. Nothing of them was changed/, /keyturn rotate queue/)
    expectRun(await world.keyturn(['rotate', 'cache', 'queue', '--wait', '--keep-going'], REFUSE), 5, /Rolled back: cache-/, /Done: queue-/)
    expect([shop.starts('worker'), shop.starts('other')]).toEqual([none('worker'), { 'other-1': 1, 'other-2': 1 }])
    expectRun(await world.keyturn(['rotate', 'cache', '--wait']), 0, /Done: cache-/)
  })

  it('and shares a restart with one that has published: that one stops before the restart for a person; `resume` goes on with it (S1-38)', async () => {
    const { world, shop } = await open()
    const before = await world.stage.dsn()
    const ran = await world.keyturn(['rotate', '--all', '--wait'], REFUSE)
    expectRun(ran, 6, /Rolled back: cache-/, /Paused: another rotation that was begun with it did not come through: cache-/, /Not begun.*: queue/)
    expect([shop.starts('gateway'), shop.starts('worker')]).toEqual([none('gateway'), none('worker')])
    expect(await world.login(before)).toBe('accepted')
    expectRun(await world.keyturn(['resume', '--wait']), 5, /Done: database-/, /Not begun: queue/)
    expect(shop.starts('gateway')).toEqual(once)
    expect(await world.login(before)).toBe('28P01')
  })
})
