import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { expectRun, useTheatre } from './theatre.ts'
import { LATER, type World } from './world.ts'

const theatre = useTheatre()

interface Status { readonly open: readonly { readonly rotation: string; readonly state: string; readonly until?: string; readonly why?: string; readonly step?: string; readonly direction: string }[] }

async function statusOf(world: World): Promise<Status['open']> {
  return ((await world.keyturn(['status', '--json'])).json() as Status).open
}

describe('a rotation that waits', () => {
  it('exits with 4, says until when and how it goes on; `run --once` leaves it until then and ends it after (X-09, X-13)', async () => {
    const world = await theatre.open({ pace: { grace: '45s' } })
    const old = await world.stage.dsn()
    const ran = await world.keyturn(['rotate', 'database'])
    expectRun(ran, 4, /Waiting \(grace\) until \d{4}-\d\d-\d\dT[\d:]+Z\./, /`keyturn run`.*`keyturn resume database-/)
    expect(await world.login(old)).toBe('accepted')
    expect(await world.login(await world.stage.dsn())).toBe('accepted')
    const [open] = await statusOf(world)
    expect(open).toMatchObject({ rotation: await world.newest(), state: 'waiting', why: 'grace', direction: 'forward' })
    expectRun(await world.keyturn(['status']), 0, /waiting {2}present .* at grace/, /grace \(until /)

    const early = await world.keyturn(['run', '--once'])
    expectRun(early, 0)
    expect(early.out).toBe('')
    expect(await statusOf(world)).toMatchObject([{ state: 'waiting', why: 'grace' }])
    expectRun(await world.keyturn(['run', '--once'], LATER), 0, /✔ see for .* that nobody uses/, /Done: /)
    expect(await statusOf(world)).toEqual([])
    expectRun(await world.keyturn(['history']), 0, /done/)
    expect(await world.login(old)).toBe('28P01')
  })

  it('is followed by the next one that the schedule begins, by `run --once`, which says so in the journal', async () => {
    const world = await theatre.open({ manifest: (secret) => { secret.every = '10s' } })
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
    const first = await world.stage.dsn()
    expectRun(await world.keyturn(['run', '--once'], LATER), 0)
    expect(await world.stage.dsn()).toBe(first)
    appendFileSync(world.stage.manifest, 'schedule: { serial: true }\n')
    expectRun(await world.keyturn(['due'], LATER), 0, /overdue .*; begins now/)
    expectRun(await world.keyturn(['run', '--once'], LATER), 0, /Done: /)
    expect(await world.login(first)).toBe('28P01')
    expectRun(await world.keyturn(['show', await world.newest()]), 0, /scheduled: every 10s/)
  })

  it('goes on by `resume` when it is due, and not before', async () => {
    const world = await theatre.open({ pace: { grace: '45s' } })
    expectRun(await world.keyturn(['rotate', 'database']), 4)
    const before = await world.photo()
    expectRun(await world.keyturn(['resume', await world.newest()]), 4, /Waiting \(grace\)/)
    expect(await world.photo()).toEqual(before)
    expectRun(await world.keyturn(['resume'], LATER), 0, /Done: /)
    expectRun(await world.keyturn(['resume']), 0, /Nothing is open\./)
  })

  it('is rolled back by `abort` in grace: exit 0, the old one in use, the new one dead, every byte as before', async () => {
    const world = await theatre.open({ instances: 1, pace: { grace: '1h' } })
    const old = await world.stage.dsn()
    const before = await world.photo()
    expectRun(await world.keyturn(['rotate', 'database']), 4)
    const fresh = await world.stage.dsn()
    expect(fresh).not.toBe(old)
    expectRun(await world.keyturn(['undo', 'database']), 3, /NOT_NOW .*the old credential is still on/, /keyturn abort/)
    expectRun(await world.keyturn(['abort', 'database']), 0, /going back: .*abort requested by/, /Rolled back: /)
    expect([await world.login(old), await world.login(fresh)]).toEqual(['accepted', '28P01'])
    const after = await world.photo()
    expect({ store: after.store, mode: after.mode, beside: after.beside, open: after.open })
      .toEqual({ store: before.store, mode: before.mode, beside: before.beside, open: [] })
    expect(after.roles.filter((row) => JSON.stringify(row).includes(`"${world.role}"`))).toEqual(before.roles)
    expectRun(await world.keyturn(['abort', await world.newest()]), 3, /NOT_NOW .*it is closed: rolled-back/)
    expectRun(await world.keyturn(['audit', 'verify']), 0)
    // And nothing stands in the way of the next one.
    expectRun(await world.keyturn(['rotate', 'database']), 4)
  })

  it('takes the old one back by `undo` in the undo window; `abort` is refused there and says so', async () => {
    const world = await theatre.open({ instances: 1, pace: { undo: '1h' } })
    const old = await world.stage.dsn()
    expectRun(await world.keyturn(['rotate', 'database']), 4, /Waiting \(undo\) until/)
    const fresh = await world.stage.dsn()
    expect([await world.login(old), await world.login(fresh)]).toEqual(['28000', 'accepted'])
    const off = await world.photo()
    expectRun(await world.keyturn(['abort', 'database']), 3, /NOT_NOW .*the old credential is off already/, /Use `keyturn undo`/)
    expect(await world.photo()).toEqual(off)
    expectRun(await world.keyturn(['undo', 'database']), 0, /undo requested by/, /Rolled back: /)
    expect(await world.stage.dsn()).toBe(old)
    expect([await world.login(old), await world.login(fresh)]).toEqual(['accepted', '28P01'])
    const { receipt } = JSON.parse(readFileSync(join(world.state, 'receipts', `${await world.newest()}.json`), 'utf8')) as { receipt: object }
    expect(receipt).toMatchObject({ result: 'rolled-back', inUse: { id: world.role }, ended: { id: `${world.role}_alt` } })
  })

  it('has no way back once the old one is gone: `undo` and `abort` are refused, `resume` ends it', async () => {
    const world = await theatre.open()
    expect((await world.keyturn(['rotate', 'database', '--wait'], { rehearse: 'kill:gone/after-outcome' })).signal).toBe('SIGKILL')
    const before = await world.photo()
    for (const wish of ['undo', 'abort']) {
      expectRun(await world.keyturn([wish, 'database']), 3, /NOT_NOW .*the old credential is gone; the way is forward/, /Rotate again/)
    }
    expect(await world.photo()).toEqual(before)
    expectRun(await world.keyturn(['resume', '--wait']), 0, /Done/)
    expectRun(await world.keyturn(['undo', await world.newest()]), 3, /NOT_NOW .*it is closed: done/)
  })
})

describe('run', () => {
  it('goes on with what comes due, as long as it is there, and ends with Ctrl-C (X-13)', async () => {
    const world = await theatre.open({ pace: { grace: '2500ms' } })
    expectRun(await world.keyturn(['rotate', 'database']), 4)
    const loop = world.start(['run'])
    await loop.saw(/Done: database-/)
    expect(await statusOf(world)).toEqual([])
    loop.send('SIGINT')
    expectRun(await loop.end, 0)
  })

  it('is not kept from one rotation by another that cannot go on', async () => {
    const world = await theatre.open({ pace: { grace: '45s' } })
    await world.addSecret('second')
    expectRun(await world.keyturn(['rotate', 'database']), 4)
    const sound = await world.newest()
    expectRun(await world.keyturn(['rotate', 'second']), 4)
    const edited = await world.newest()
    const db = new DatabaseSync(join(world.state, 'keyturn.db'))
    db.prepare('update event set body = replace(body, \'"done"\', \'"gone"\') || \' \' where seq = 3 and rotation = ?').run(edited)
    db.close()
    const ran = await world.keyturn(['run', '--once'], LATER)
    expectRun(ran, 1, new RegExp(`JOURNAL_BROKEN ${edited}: `), new RegExp(`Done: ${sound}`))
    expectRun(await world.keyturn(['history']), 0, new RegExp(`${sound} {2}done`), new RegExp(`${edited} {2}open`))
  })
})

describe('Ctrl-C', () => {
  it('stops after the step at hand is on disk, with exit 4, and `resume` goes on', async () => {
    const world = await theatre.open({ manifest: (secret) => { secret.checks?.push({ use: 'command', run: ['sleep', '1'] }) } })
    const running = world.start(['rotate', 'database', '--wait'])
    await running.saw(/✔ check/)
    running.send('SIGINT')
    const ran = await running.end
    expectRun(ran, 4, /Stopping after the step at hand is on disk\. Again to stop at once\./, /Stopped; everything so far is on disk\. `keyturn resume database-/)
    expect(ran.out.match(/✔ check/g)).toHaveLength(2)
    expect(ran.out).not.toContain('nobody uses')
    expect(await statusOf(world)).toMatchObject([{ state: 'ready', direction: 'forward' }])
    expectRun(await world.keyturn(['status']), 0, /Nobody runs it: keyturn resume database-/)
    expectRun(await world.keyturn(['resume', '--wait']), 0, /Done/)
  })

  it('in a wait stops at once, with exit 4', async () => {
    const world = await theatre.open({ pace: { grace: '1h' } })
    const running = world.start(['rotate', 'database', '--wait'])
    await running.saw(/of grace, until/)
    running.send('SIGINT')
    expectRun(await running.end, 4, /resume database-/)
    expectRun(await world.keyturn(['abort', 'database']), 0)
  })
})
