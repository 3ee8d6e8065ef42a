import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectRun, useTheatre } from './theatre.ts'

const theatre = useTheatre()

describe('keyturn rollback, with a real PostgreSQL', () => {
  it('takes a rotation in place back on both sides: the role has its old password again, and the env file too (C-12, S1-56, S1-59)', async () => {
    const world = await theatre.open({ manifest: ({ issuer }) => { issuer['strategy'] = 'in-place' } })
    const [first, text] = [await world.stage.dsn(), readFileSync(world.stage.envFile, 'utf8')]
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0, /Done/)
    const [second, rotation] = [await world.stage.dsn(), await world.newest()]
    expect([await world.login(first), await world.login(second)]).toEqual(['28P01', 'accepted'])

    const back = await world.keyturn(['rollback', 'database', '--wait', '--reason', 'the release does not work', '--json'])
    expectRun(back, 0)
    expect(back.json()).toMatchObject({ is: 'closed', result: 'done', takesBack: rotation })
    expect([await world.login(first), await world.login(second)]).toEqual(['accepted', '28P01'])
    expect(readFileSync(world.stage.envFile, 'utf8')).toBe(text)
    expectRun(await world.keyturn(['show', await world.newest()]), 0, new RegExp(`takes back ${rotation}`), /the release does not work/, /with the value from before/)
    expectRun(await world.keyturn(['rollback', rotation]), 3, /it was taken back by/)
    expectRun(await world.keyturn(['audit', 'verify']), 0)
  })

  it('is refused once the old role is dead, with the way forward; before that it turns it on again (X-11, C-13)', async () => {
    const world = await theatre.open({ pace: { undo: '1h' } })
    const first = await world.stage.dsn()
    expectRun(await world.keyturn(['rotate', 'database']), 4, /undo window/)
    expect(await world.login(first)).toBe('28000')
    expectRun(await world.keyturn(['rollback', 'database', '--wait']), 0, /Rolled back/)
    expect([await world.stage.dsn(), await world.login(first)]).toEqual([first, 'accepted'])

    const gone = await theatre.open()
    expectRun(await gone.keyturn(['rotate', 'database', '--wait']), 0, /Done/)
    const second = await gone.stage.dsn()
    expectRun(await gone.keyturn(['rollback', 'database']), 3, /is gone at the provider/, /The way is forward: `keyturn rotate database`/)
    expect([await gone.stage.dsn(), await gone.login(second)]).toEqual([second, 'accepted'])
  })
})

describe('keyturn snapshot', () => {
  it('lists and shows what is held without a value, and exports it only into a new file of its own', async () => {
    const world = await theatre.open({ manifest: ({ issuer }) => { issuer['strategy'] = 'in-place' } })
    const first = await world.stage.dsn()
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
    const rotation = await world.newest()
    expectRun(await world.keyturn(['snapshot', 'list']), 0, new RegExp(`${rotation} +done +kept until`))
    expectRun(await world.keyturn(['snapshot', 'show', rotation]), 0, /before {2}.* kf:\w+ {2}gone/, /after {3}.* kf:\w+ {2}presented/, /store .*APP_DATABASE_URL/)
    expectRun(await world.keyturn(['due']), 0, /1 snapshot is held, the last one until/)
    expectRun(await world.keyturn(['snapshot', 'export', rotation]), 2, /needs --to/)

    const file = join(world.run, 'old.json')
    world.allow(file)
    expectRun(await world.keyturn(['snapshot', 'export', rotation, '--to', file]), 0, /mode 600/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ rotation, before: { state: 'gone' }, stores: [{ before: { APP_DATABASE_URL: first }, after: { APP_DATABASE_URL: await world.stage.dsn() } }] })
    expectRun(await world.keyturn(['snapshot', 'export', rotation, '--to', file]), 2, /is there already/)
    expectRun(await world.keyturn(['snapshot', 'export', rotation, '--to', join(world.state, 'x.json')]), 3, /lies in the state's folder/)
    expectRun(await world.keyturn(['state', 'check']), 0)
  })
})

describe('keyturn run', () => {
  it('wipes what was kept for long enough, and notes it; then there is no way back any more (S1-69, R-18)', async () => {
    const world = await theatre.open({ manifest: (secret) => { secret.issuer['strategy'] = 'in-place'; secret['snapshots'] = '1ms' } })
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
    const rotation = await world.newest()
    expectRun(await world.keyturn(['snapshot', 'list']), 0, /to be wiped since/)
    expectRun(await world.keyturn(['run', '--once']), 0)
    expectRun(await world.keyturn(['snapshot', 'list']), 0, /No snapshot is held/)
    expectRun(await world.keyturn(['snapshot', 'show', rotation]), 0, /it was wiped/)
    expectRun(await world.keyturn(['history']), 0, new RegExp(`value-wiped.*the snapshot of ${rotation} was kept until`))
    expectRun(await world.keyturn(['rollback', rotation]), 3, /held nowhere any more/, /The way is forward/)
    expectRun(await world.keyturn(['audit', 'verify']), 0)
  })
})

describe('keyturn event', () => {
  it('marks what only people know: due says it, and audit has it (R-04, R-05)', async () => {
    const world = await theatre.open({ manifest: (secret) => { secret['on'] = ['expiry'] } })
    expectRun(await world.keyturn(['event', 'database', 'compromise']), 2, /needs --reason/)
    expectRun(await world.keyturn(['event', 'database', 'leak', '--reason', 'x']), 2, /compromise, expiry, provider-change/)
    expectRun(await world.keyturn(['event', 'database', 'expiry', '--at', 'March', '--reason', 'x']), 2, /--at takes a day/)
    expectRun(await world.keyturn(['event', 'database', 'expiry', '--at', '2199-03-01', '--reason', 'the console says so']), 0, /Noted: expiry of database/)
    expectRun(await world.keyturn(['due']), 0, /fine .*due 2199-02-15 \(expiry\), expires 2199-03-01/)
    expectRun(await world.keyturn(['event', 'database', 'compromise', '--reason', 'a laptop', '--json']), 0, /"event":"compromise"/)
    expectRun(await world.keyturn(['due', '--check']), 4, /compromised +database +since .*keyturn emergency database/)
    expectRun(await world.keyturn(['history']), 0, /secret-marked.*: a laptop/)
    expectRun(await world.keyturn(['audit', 'verify']), 0)
  })
})
