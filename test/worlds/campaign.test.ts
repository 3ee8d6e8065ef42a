import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openThree, secretOf, type Shop } from './shop.ts'
import { expectRun, useTheatre } from './theatre.ts'
import { LATER, type World, type WorldOptions } from './world.ts'

const theatre = useTheatre()
const shops: Shop[] = []
afterEach(() => {
  for (const shop of shops.splice(0)) shop.close()
})

async function open(options: WorldOptions = {}): Promise<{ world: World; shop: Shop; change: Shop['manifest'] }> {
  const world = await theatre.open(options)
  const shop = await openThree(world)
  shops.push(shop)
  return { world, shop, change: shop.manifest }
}

interface Members { readonly campaign: string; readonly members: readonly { readonly secret: string; readonly is: string; readonly result?: string; readonly rotation?: string }[] }

const once = { 'gateway-1': 1, 'gateway-2': 1 }
const none = (service: string): Record<string, number> => ({ [`${service}-1`]: 0, [`${service}-2`]: 0 })

describe('several secrets as one', () => {
  it('restarts the service of two of three secrets once, and ends with all of them proven (S1-24, X-06)', async () => {
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

describe('one of several that is rotated in place', () => {
  it('comes last, and its restart serves the one that waits for it: one restart for both, and the shortest gap (I4)', async () => {
    const { world, shop, change } = await open()
    change((secrets) => { secretOf(secrets, 'database').issuer['strategy'] = 'in-place' })
    const ran = await world.keyturn(['rotate', 'database', 'cache', '--wait'])
    expectRun(ran, 0, /Done: database-/, /Done: cache-/, /reload process gateway \(by database-/)
    expect(shop.starts('gateway')).toEqual(once)
    expect(ran.out.indexOf('make ')).toBeLessThan(ran.out.indexOf('CACHE_URL'))
    expect(ran.out.indexOf('CACHE_URL')).toBeLessThan(ran.out.indexOf('APP_DATABASE_URL'))
  })
})

describe('one of several that fails', () => {
  it('is rolled back alone and stops what has not begun, which is listed with how to go on; with --keep-going it stops nothing (S1-24)', async () => {
    const { world, shop, change } = await open()
    change((secrets) => { secretOf(secrets, 'cache').consumers = [shop.consumer('worker')] ; secretOf(secrets, 'queue').consumers = [shop.consumer('other')] })
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

describe('what follows another', () => {
  it('is taken along and comes after it; --only leaves it out; one that does not come through leaves its followers unbegun, --keep-going or not (G-15, R-06)', async () => {
    const { world, shop, change } = await open()
    change((secrets) => { secretOf(secrets, 'cache')['on'] = ['queue'] })
    const planned = (await world.keyturn(['plan', 'queue', '--offline', '--json'])).json() as { batches: { secrets: string[] }[] }
    expect(planned.batches.map(({ secrets }) => secrets)).toEqual([['queue'], ['cache']])
    const failed = await world.keyturn(['rotate', 'queue', '--keep-going', '--wait', '--json'], { rehearse: 'refuse:queue/mint' })
    expectRun(failed, 5)
    expect((failed.json() as Members).members).toMatchObject([{ secret: 'queue', is: 'closed', result: 'rolled-back' }, { secret: 'cache', is: 'not-begun', error: { code: 'CAMPAIGN_STOPPED' } }])
    const ran = await world.keyturn(['rotate', 'queue', '--wait'])
    expectRun(ran, 0, /Done: queue-[^]*Done: cache-/)
    expect(ran.out.indexOf(' ✔ reload process gateway')).toBeGreaterThan(ran.out.indexOf(' ✔ reload process worker'))
    expect([shop.starts('gateway'), shop.starts('worker')]).toEqual([once, { 'worker-1': 1, 'worker-2': 1 }])
    expectRun(await world.keyturn(['rotate', 'queue', '--only', '--wait']), 0, /Done: queue-/)
    expect(shop.starts('gateway')).toEqual(once)
  })

  it('in a circle is refused with its place (X-15)', async () => {
    const { world, change } = await open()
    change((secrets) => {
      secretOf(secrets, 'cache')['on'] = ['queue']
      secretOf(secrets, 'queue')['on'] = ['cache']
    })
    expectRun(await world.keyturn(['rotate', '--all']), 2, /keyturn\.yaml:\d+:\d+ `on` goes in a circle: cache after queue after cache/)
  })
})

describe('whom a command means', () => {
  it('are those of an owner, with a tag, that are due; names beside a choice are refused (X-12)', async () => {
    const { world, change } = await open()
    change((secrets) => {
      Object.assign(secretOf(secrets, 'cache'), { owner: 'shop', tags: ['nightly'], every: '90d' })
      Object.assign(secretOf(secrets, 'queue'), { owner: 'shop' })
    })
    const meant = async (...words: string[]): Promise<string[]> => ((await world.keyturn(['plan', ...words, '--offline', '--json'])).json() as { batches: { secrets: string[] }[] }).batches.flatMap(({ secrets }) => secrets)
    expect(await meant('--owner', 'shop')).toEqual(['cache', 'queue'])
    expect(await meant('--tag', 'nightly')).toEqual(['cache'])
    expect(await meant('--due')).toEqual(['cache'])
    expectRun(await world.keyturn(['rotate', '--due', '--wait']), 0, /Done: cache-/)
    expect(await meant('--due')).toEqual([])
    change((secrets) => { secretOf(secrets, 'queue')['on'] = ['cache'] })
    expectRun(await world.keyturn(['rotate', 'queue', '--wait']), 0, /Done: queue-/)
    expectRun(await world.keyturn(['rotate', 'cache', '--only', '--wait']), 0, /Done: cache-/)
    expectRun(await world.keyturn(['due']), 0, /queue .*; cache was rotated since/)
    expect(await meant('--due')).toEqual(['queue'])
    expectRun(await world.keyturn(['rotate', 'queue', '--tag', 'nightly']), 2, /USAGE .*named, and chosen/)
    expectRun(await world.keyturn(['rotate']), 2, /USAGE .*no secret is named/, /--all/)
  })
})

describe('a campaign that waits', () => {
  it('exits with 4 in grace, with `serial` before the second begins, a third is refused, and it is gone on with by `run --once` (R-16, S4-21, X-04)', async () => {
    const { world, shop, change } = await open({ pace: { grace: '45s' } })
    change((secrets) => { delete secrets['queue'] })
    appendFileSync(world.stage.manifest, 'schedule: { serial: true }\n')
    expectRun(await world.keyturn(['rotate', '--all']), 4, /Waiting \(grace\)/, /Not begun yet: cache\. They follow with `keyturn run`/)
    expectRun(await world.keyturn(['status']), 0, /campaign-\S+ {2}not begun yet: cache/)
    expectRun(await world.keyturn(['rotate', 'cache', '--only']), 3, /ROTATION_OPEN/)
    expect(shop.starts('gateway')).toEqual(once)
    expectRun(await world.keyturn(['run', '--once'], LATER), 4, /Done: database-/, /Waiting \(grace\)/)
    expect(shop.starts('gateway')).toEqual({ 'gateway-1': 2, 'gateway-2': 2 })
    const status = (await world.keyturn(['status', '--json'])).json() as { open: { secret: string; campaign: string }[]; campaigns: { campaign: string; rest: string[] }[] }
    expect(status.open.map(({ secret }) => secret)).toEqual(['cache'])
    expect(status.campaigns).toMatchObject([{ campaign: status.open[0]?.campaign, rest: [] }])
  })

  it('has one reload serve both in `keyturn run`, too, whoever of its rotations comes first', async () => {
    const { world, shop } = await open()
    expect((await world.keyturn(['rotate', '--all'], { rehearse: 'kill:cache/mint/after-outcome' })).signal).toBe('SIGKILL')
    const loop = world.start(['run'])
    await loop.saw(/Done: queue-/)
    loop.send('SIGINT')
    expectRun(await loop.end, 0, /Done: database-/, /Done: cache-/)
    expect([shop.starts('gateway'), shop.starts('worker')]).toEqual([once, { 'worker-1': 1, 'worker-2': 1 }])
  })
})

describe('groups of consumers', () => {
  it('are restarted in order, with a pause after each and health before the next; a red one stops there, and what is untouched is named (S1-38, S1-46, S1-47)', async () => {
    const { world, shop, change } = await open()
    const green = join(world.run, 'green')
    change((secrets) => {
      secretOf(secrets, 'database').consumers = [
        { wave: [shop.consumer('gateway'), shop.consumer('worker')], pause: '1s', checks: [{ use: 'command', run: ['test', '!', '-e', green], within: '500ms' }] },
        shop.consumer('other'),
      ]
    })
    const running = world.start(['rotate', 'database', '--wait'])
    await running.saw(/wait 1 s before anything else is reloaded/)
    writeFileSync(green, '')
    expectRun(await running.end, 6, /Paused: a check failed/)
    expect([shop.starts('gateway'), shop.starts('worker'), shop.starts('other')]).toEqual([once, { 'worker-1': 1, 'worker-2': 1 }, none('other')])
    expectRun(await world.keyturn(['status']), 0, /not reloaded yet: process other/)
    rmSync(green)
    expectRun(await world.keyturn(['resume', 'database', '--wait']), 0, /Done: database-/)
    expect(shop.starts('other')).toEqual({ 'other-1': 1, 'other-2': 1 })
  })
})
