import { readFileSync } from 'node:fs'
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
