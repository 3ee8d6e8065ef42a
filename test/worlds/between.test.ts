import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { randomPassword } from '../../demo/database.ts'
import { until } from '../../demo/until.ts'
import { openSession } from '../servers/role.ts'
import { expectRun, useTheatre } from './theatre.ts'
import { LATER, type World } from './world.ts'

// Worlds that turn bad while a rotation is under way: what was begun is put right by itself, or a person is told what to do and
// nothing is lost until then.

const theatre = useTheatre()

/** A part of the system that has nothing to do with the rotation; it answers 200 as long as `broken` does not exist. */
let broken = ''
let url = ''
const other = createServer((_, response) => response.writeHead(existsSync(broken) ? 503 : 200).end())

beforeAll(async () => {
  await new Promise<void>((resolve) => { other.listen(0, '127.0.0.1', resolve) })
  url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/healthz`
})
afterAll(() => {
  other.closeAllConnections()
  other.close()
})

/** Replaces one text of the env file by another, as an editor does. */
function edit(world: World, from: string, to: string): void {
  const text = readFileSync(world.stage.envFile, 'utf8')
  expect(text).toContain(from)
  writeFileSync(world.stage.envFile, text.replace(from, to))
}

async function bothAccepted(world: World, ...dsns: readonly string[]): Promise<void> {
  for (const dsn of dsns) expect(await world.login(dsn)).toBe('accepted')
}

describe('the store is edited by a person in between', () => {
  it('another key: the edit survives the rotation, and the way back, too (S0-17)', async () => {
    const world = await theatre.open({ pace: { grace: '45s' } })
    const running = world.start(['rotate', 'database'], { rehearse: 'stop:publish:0/before-intent' })
    await running.stopped()
    edit(world, 'LOG_LEVEL=info', 'LOG_LEVEL=debug\nADDED_BY_HAND=1')
    running.send('SIGCONT')
    expectRun(await running.end, 4)
    const published = readFileSync(world.stage.envFile, 'utf8')
    expect(published).toContain(`${world.role}_alt:`)
    expect(published).toContain('LOG_LEVEL=debug\nADDED_BY_HAND=1\n')
    edit(world, 'LOG_LEVEL=debug', 'LOG_LEVEL=warn')
    expectRun(await world.keyturn(['abort', 'database']), 0)
    expect(readFileSync(world.stage.envFile, 'utf8')).toContain('LOG_LEVEL=warn\nADDED_BY_HAND=1\n')
    expect(new URL(await world.stage.dsn()).username).toBe(world.role)
  })

  it('our key: paused before it is overwritten, a person is told which; put right, it goes on', async () => {
    const world = await theatre.open()
    const old = await world.stage.dsn()
    const third = world.stage.database.dsn(world.role, randomPassword())
    const running = world.start(['rotate', 'database', '--wait'], { rehearse: 'stop:publish:0/before-intent' })
    await running.stopped()
    edit(world, old, third)
    running.send('SIGCONT')
    expectRun(await running.end, 6, /Paused: somebody else changed the value in the store: APP_DATABASE_URL in dotenv/, /Find out who wrote it/)
    expect(await world.stage.dsn()).toBe(third)
    expectRun(await world.keyturn(['status', '--json']), 0, /"state": "paused"/)
    expectRun(await world.keyturn(['resume', '--wait']), 6, /somebody else changed the value/)
    expect(await world.stage.dsn()).toBe(third)
    edit(world, third, old)
    expectRun(await world.keyturn(['resume', '--wait']), 0, /Done/)
    expect(await world.login(old)).toBe('28P01')
    await bothAccepted(world, await world.stage.dsn())
  })
})

describe('a consumer or a check', () => {
  it('a consumer is never ready: paused, both credentials stay; `abort` puts everything right', async () => {
    const world = await theatre.open({
      manifest: (secret, { run }) => {
        broken = join(run, 'broken')
        const service = { use: 'command', run: ['sh', '-c', `test -e ${run}/mended || touch ${broken}`], services: ['api'], ready: { api: url }, readyWithin: '300ms' }
        secret.consumers = [{ wave: [service] }]
        secret['ready'] = '1s'
      },
    })
    const before = await world.photo()
    const old = await world.stage.dsn()
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 6, /Paused: a consumer did not become ready in time/, /keyturn abort/)
    const fresh = await world.stage.dsn()
    await bothAccepted(world, old, fresh)
    writeFileSync(join(world.run, 'mended'), '')
    rmSync(broken)
    expectRun(await world.keyturn(['abort', 'database', '--wait']), 0, /Rolled back/)
    expect([await world.login(old), await world.login(fresh)]).toEqual(['accepted', '28P01'])
    const after = await world.photo()
    expect({ store: after.store, mode: after.mode, open: after.open }).toEqual({ store: before.store, mode: before.mode, open: [] })
  })

  it('a check is red after for a reason of its own: paused and told, nothing is rolled back; green again, `resume` ends it (S0-11)', async () => {
    const world = await theatre.open({
      manifest: (secret, { run }) => {
        broken = join(run, 'broken')
        // Breaks at the moment at which the consumer is reloaded, and has nothing to do with it.
        secret.consumers = [{ wave: [{ use: 'command', run: ['touch', broken], services: ['api'] }] }]
        secret.checks?.push({ use: 'http', url, within: '300ms' })
      },
    })
    const old = await world.stage.dsn()
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 6, /✘ check:1: a check failed: http GET /, /Paused: a check failed/, /resume database-/)
    const fresh = await world.stage.dsn()
    expect(new URL(fresh).username).toBe(`${world.role}_alt`)
    await bothAccepted(world, old, fresh)
    const paused = await world.photo()
    expectRun(await world.keyturn(['resume', '--wait']), 6, /a check failed/)
    expect(await world.photo()).toEqual(paused)
    rmSync(broken)
    expectRun(await world.keyturn(['resume', '--wait']), 0, /Done/)
    expect([await world.login(old), await world.stage.dsn()]).toEqual(['28P01', fresh])
  })

  it('the new one is rejected while the old one is accepted: rolled back by itself, exit 5, every byte as before (X-11)', async () => {
    const world = await theatre.open({ instances: 1, manifest: (secret) => { secret['ready'] = '2s' } })
    const [instance] = world.stage.instances
    const before = await world.photo()
    const old = await world.stage.dsn()
    const running = world.start(['rotate', 'database', '--wait'], { rehearse: 'stop:publish:0/after-outcome' })
    await running.stopped()
    const fresh = await world.stage.dsn()
    await world.stage.database.admin(`alter role ${world.role}_alt valid until '2001-01-01'`)
    running.send('SIGCONT')
    expectRun(await running.end, 5, /✘ attest:0\.0: .*atlas-1 holds the old value/, /going back/, /Rolled back: database-.*the old credential is in use/)
    expect([await world.login(old), await world.login(fresh)]).toEqual(['accepted', '28P01'])
    const after = await world.photo()
    expect({ store: after.store, mode: after.mode, beside: after.beside, open: after.open })
      .toEqual({ store: before.store, mode: before.mode, beside: before.beside, open: [] })
    expect(await (await fetch(`${instance?.url}/readyz`)).json()).toEqual({ postgres: 'ok' })
    expectRun(await world.keyturn(['history']), 0, /rolled-back/)
    expectRun(await world.keyturn(['audit', 'verify']), 0, /1 receipts/)
  })
})

describe('the gate', () => {
  it('a deployment brings the old value back during grace: held, and it is named; put right, it goes on', async () => {
    const world = await theatre.open({ instances: 1, pace: { grace: '45s' } })
    const [instance] = world.stage.instances
    const old = await world.stage.dsn()
    expectRun(await world.keyturn(['rotate', 'database']), 4)
    const fresh = await world.stage.dsn()

    // The file alone first: whoever reads it next gets the old value.
    edit(world, fresh, old)
    expectRun(await world.keyturn(['resume'], LATER), 4, /held: dotenv \S+ no longer holds the new value in APP_DATABASE_URL/, /Held: /)
    // Then the service reads it, and uses the old role again.
    instance?.reload()
    const sessions = `select 1 from pg_stat_activity where usename = '${world.role}'`
    await until('the service is on the old role', 10_000, async () => ((await world.stage.database.admin(sessions)).length > 0 ? true : undefined))
    expectRun(await world.keyturn(['resume'], LATER), 4, new RegExp(`held: .*(atlas-1@127\\.0\\.0\\.1 uses ${world.role}|atlas-1 holds the old value)`))
    expectRun(await world.keyturn(['status']), 0, /held/, /atlas-1|APP_DATABASE_URL/)
    await bothAccepted(world, old, fresh)

    edit(world, old, fresh)
    instance?.reload()
    await until('the service is off the old role', 20_000, async () => ((await world.stage.database.admin(sessions)).length === 0 ? true : undefined))
    expectRun(await world.keyturn(['resume', '--wait'], LATER), 0, /Done/)
    expect(await world.login(old)).toBe('28P01')
  })

  it('an old session during the quiet time: held, named by application and address; when it is over, it goes on (S2-26, C-31)', async () => {
    const world = await theatre.open()
    const old = await world.stage.dsn()
    const session = await openSession(old, 'nightly report')
    expectRun(await world.keyturn(['rotate', 'database']), 4, new RegExp(`Held: nightly\\?report@127\\.0\\.0\\.1 uses ${world.role} \\(1 session\\)`))
    expect(await session.alive()).toBe(true)
    // Held while it was watched, before the gate was even looked at.
    const { events } = (await world.keyturn(['show', 'database', '--json'])).json() as { events: { type: string; step?: string }[] }
    expect(events.filter((event) => event.type === 'gate-held').map((event) => event.step)).toEqual(['watch'])
    await bothAccepted(world, old)
    await session.close()
    const sessions = `select 1 from pg_stat_activity where usename = '${world.role}'`
    await until('the session is over', 10_000, async () => ((await world.stage.database.admin(sessions)).length === 0 ? true : undefined))
    expectRun(await world.keyturn(['resume', '--wait']), 0, /Done/)
  })

  it('a consumer that the manifest gained since the plan: held, because nobody has told it (C-31)', async () => {
    const world = await theatre.open({ pace: { grace: '45s' } })
    expectRun(await world.keyturn(['rotate', 'database']), 4)
    world.rewrite((secret) => { secret.consumers = [{ wave: [{ use: 'command', run: ['true'], services: ['late'] }] }] })
    expectRun(await world.keyturn(['resume'], LATER), 4, /held: the manifest names consumer:command\S*, which the plan does not know/)
    world.rewrite((secret) => { delete secret.consumers })
    expectRun(await world.keyturn(['resume', '--wait'], LATER), 0, /Done/)
  })
})

describe('the lock', () => {
  it('a second run is refused with 3 and told who holds it; the first goes on as if nothing had been (X-04)', async () => {
    const world = await theatre.open()
    const first = world.start(['rotate', 'database', '--wait'], { rehearse: 'stop:mint/after-intent' })
    await first.stopped()
    const before = await world.photo()
    expectRun(await world.keyturn(['rotate', 'database']), 3, /ROTATION_OPEN a rotation of this is already open: database-/, /keyturn resume/)
    for (const args of [['resume'], ['abort', 'database']]) {
      expectRun(await world.keyturn(args), 3, new RegExp(`LOCKED another run holds this: database-\\S+ is held by process ${first.pid} of \\S+ until \\S+Z`), /keyturn status/)
    }
    const due = await world.keyturn(['run', '--once'])
    expectRun(due, 0)
    expect(due.out).toBe('')
    expectRun(await world.keyturn(['status', '--json']), 0, /"state": "running"/, new RegExp(`"heldBy": "\\S+ ${first.pid}@`))
    expect(await world.photo()).toEqual(before)
    first.send('SIGCONT')
    expectRun(await first.end, 0, /Done/)
  })
})

describe('two at the same moment', () => {
  it('make one identity, one state and one rotation: one run carries it through, the other one is refused with 3 (X-04)', async () => {
    const world = await theatre.open()
    const ran = await Promise.all([1, 2].map(() => world.keyturn(['rotate', 'database', '--wait'])))
    const [carried, refused] = ran.toSorted((a, b) => (a.code ?? 9) - (b.code ?? 9))
    if (carried === undefined || refused === undefined) throw new TypeError('two were run')
    expectRun(carried, 0, /Done/)
    expectRun(refused, 3, /ROTATION_OPEN|LOCKED|PRINCIPAL_IN_USE/)
    expectRun(await world.keyturn(['history', '--json']), 0, /"result": "done"/)
    expectRun(await world.keyturn(['audit', 'verify']), 0, /1 receipts/)
    await bothAccepted(world, await world.stage.dsn())
  })
})

describe('the clock', () => {
  const clock = (ms: number): typeof LATER => ({ before: ['./clock.ts'], env: { WORLDS_CLOCK: String(ms) } })

  it('is set back: nothing is ended, a person is told; set right, it goes on', async () => {
    const world = await theatre.open()
    const old = await world.stage.dsn()
    expect((await world.keyturn(['rotate', 'database', '--wait'], { rehearse: 'kill:watch/before-intent' })).signal).toBe('SIGKILL')
    const before = await world.photo()
    expectRun(await world.keyturn(['resume', '--wait'], clock(-3_600_000)), 6, /Paused: the clock went back, jumped or differs from the issuer's/, /Set the clock right \(NTP\)/)
    expect(await world.photo()).toEqual(before)
    await bothAccepted(world, old)
    expectRun(await world.keyturn(['resume', '--wait']), 0, /Done/)
  })

  it('jumps ahead through the whole grace: time alone opens nothing, the issuer\'s clock differs; set right, the way back is open', async () => {
    const world = await theatre.open({ pace: { grace: '1h' } })
    const old = await world.stage.dsn()
    expectRun(await world.keyturn(['rotate', 'database']), 4)
    const before = await world.photo()
    expectRun(await world.keyturn(['resume'], clock(7_200_000)), 4, /Held: the issuer's clock differs by 7200 s/)
    expect(await world.photo()).toEqual(before)
    expectRun(await world.keyturn(['resume']), 6, /the clock is behind the last entry of the journal/)
    expect(await world.photo()).toEqual(before)
    await bothAccepted(world, old)
    expectRun(await world.keyturn(['abort', 'database']), 0, /Rolled back/)
    expect(await world.stage.dsn()).toBe(old)
  })

  it('was ahead by less than a minute in a whole rotation: the next one is not taken for an older owner', async () => {
    const world = await theatre.open()
    expectRun(await world.keyturn(['rotate', 'database', '--wait'], LATER), 0)
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0, /Done/)
  })
})
