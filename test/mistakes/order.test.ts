import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { randomPassword } from '../../demo/database.ts'
import { scramVerifier } from '../../src/connectors/postgres/verifier.ts'
import { Secret } from '../../src/kit/index.ts'
import { expectRun, useTheatre } from '../worlds/theatre.ts'

// The order of things and the way back, with the shipped command line on a real server.

const theatre = useTheatre()

describe('a new value beside the old one', () => {
  it('is taken whenever it is there, right or wrong: `getenv(NEW) or getenv(OLD)` never tries the old one. keyturn logs in with the new one before anybody is given it (C-10)', async () => {
    const world = await theatre.open()
    const old = await world.stage.dsn()
    const wrong = world.stage.database.dsn(world.role, randomPassword())
    const chosen = execFileSync(process.execPath, ['-p', 'process.env.DSN_NEW || process.env.DSN_OLD'], { env: { DSN_NEW: wrong, DSN_OLD: old }, encoding: 'utf8' }).trim()
    expect([await world.login(old), await world.login(chosen)]).toEqual(['accepted', '28P01'])

    const before = readFileSync(world.stage.envFile, 'utf8')
    const running = world.start(['rotate', 'database'], { rehearse: 'stop:mint/after-outcome' })
    await running.stopped()
    // What was made is not what is known of it, whatever the reason.
    await world.stage.database.admin(`alter role ${world.role}_alt password '${scramVerifier(new Secret(randomPassword()))}'`)
    running.send('SIGCONT')
    await running.saw(/probe:new/)
    running.send('SIGINT')
    expect((await running.end).code).not.toBe(0)
    expect(readFileSync(world.stage.envFile, 'utf8')).toBe(before)
    expect(await world.login(old)).toBe('accepted')
  })
})

describe('the way back', () => {
  it('of files alone leaves the server with the new password, so that the rollback is the outage: keyturn takes both sides back (C-12)', async () => {
    const world = await theatre.open({ manifest: (secret) => { secret.issuer['strategy'] = 'in-place' } })
    const old = await world.stage.dsn()
    const backup = readFileSync(world.stage.envFile)

    // The runbook: change the server, change the file, see it fail, unpack the backup.
    const fresh = world.stage.database.dsn(world.role, randomPassword())
    const verifier = (dsn: string): string => scramVerifier(new Secret(new URL(dsn).password))
    await world.stage.database.admin(`alter role ${world.role} password '${verifier(fresh)}'`)
    writeFileSync(world.stage.envFile, backup.toString('utf8').replace(old, fresh))
    writeFileSync(world.stage.envFile, backup)
    expect(await world.login(await world.stage.dsn())).toBe('28P01')
    await world.stage.database.admin(`alter role ${world.role} password '${verifier(old)}'`)

    const ran = await world.keyturn(['rotate', 'database'], { rehearse: 'kill:publish:0/after-outcome' })
    expect(ran.signal).toBe('SIGKILL')
    expect([await world.stage.dsn() === old, await world.login(old)]).toEqual([false, '28P01'])
    expectRun(await world.keyturn(['abort', 'database']), 0, /Rolled back/)
    expect(readFileSync(world.stage.envFile, 'utf8')).toBe(backup.toString('utf8'))
    expect(await world.login(await world.stage.dsn())).toBe('accepted')
  })
})

describe('a run that dies', () => {
  it('is gone on with by any later one, two never work at once, and the trail says who did what: the script begins again from its first line (C-37)', async () => {
    const world = await theatre.open()
    const ran = await world.keyturn(['rotate', 'database', '--reason', 'quarterly'], { rehearse: 'kill:mint/after-effect' })
    expect(ran.signal).toBe('SIGKILL')
    // Begun a second time it is not a second rotation, with a second new password.
    expectRun(await world.keyturn(['rotate', 'database']), 3, /ROTATION_OPEN/)
    const running = world.start(['resume', '--wait'], { rehearse: 'stop:publish:0/after-intent' })
    await running.stopped()
    expectRun(await world.keyturn(['resume', '--wait']), 3, /held by|LEASE|RUNNING/i)
    running.send('SIGCONT')
    expectRun(await running.end, 0, /Done/)
    const { rotations } = (await world.keyturn(['history', '--json'])).json() as { readonly rotations: readonly unknown[] }
    expect(rotations).toHaveLength(1)
    const { receipt } = (await world.keyturn(['show', await world.newest(), '--receipt'])).json() as { readonly receipt: unknown }
    expect(JSON.stringify(receipt)).toMatch(/quarterly/)
    expect(JSON.stringify(receipt)).toContain(userInfo().username)
    expectRun(await world.keyturn(['audit', 'verify']), 0)
  })
})

describe('the end', () => {
  it('is not reached while the old one lives: somebody turned it on again behind our back, and there is no receipt (C-03, I8)', async () => {
    const world = await theatre.open()
    const old = await world.stage.dsn()
    const running = world.start(['rotate', 'database'], { rehearse: 'stop:gone/after-effect' })
    await running.stopped()
    await world.stage.database.admin(`alter role ${world.role} login password '${scramVerifier(new Secret(new URL(old).password))}'`)
    expect(await world.login(old)).toBe('accepted')
    running.send('SIGCONT')
    await running.saw(/prove:gone: the old credential is still accepted/)
    running.send('SIGINT')
    const ended = await running.end
    expect(ended.code, ended.said).not.toBe(0)
    expect(ended.said).not.toMatch(/Done/)
    expectRun(await world.keyturn(['show', 'database', '--receipt']), 3)
  })
})
