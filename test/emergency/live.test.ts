import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startLoad } from '../../demo/load.ts'
import { until } from '../../demo/until.ts'
import type { TimedEvent } from '../../src/journal/event.ts'
import type { IncidentRecord } from '../../src/emergency/record.ts'
import type { Plan } from '../../src/plan/plan.ts'
import type { Receipt } from '../../src/proof/receipt.ts'
import { queryAt } from '../servers/postgres.ts'
import { expectRun, useTheatre } from '../worlds/theatre.ts'
import type { World } from '../worlds/world.ts'

const theatre = useTheatre()

const EMERGENCY = ['emergency', 'database', '--reason', 'the laptop of a colleague is gone', '--yes'] as const

interface Shown { readonly plan: Plan; readonly result?: string; readonly events: readonly TimedEvent[] }

async function shown(world: World, rotation: string): Promise<Shown> {
  return (await world.keyturn(['show', rotation, '--events', '--json'])).json() as Shown
}

/** The record of the only incident, as it lies in the state. */
function record(world: World): IncidentRecord {
  const folder = join(world.state, 'incidents')
  const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as IncidentRecord
}

/** Who is logged in as this role, from outside of keyturn. */
async function sessionsOf(world: World, role: string): Promise<number> {
  const rows = await queryAt<{ count: string }>(world.server.adminUrl, `select count(*) from pg_stat_activity where usename = '${role}'`)
  return Number(rows[0]?.count ?? -1)
}

describe('forget first, on two live processes', () => {
  it('ends the sessions before anything new is made, and both come back with the new one (S2-43, S2-44, S2-45, S2-47, G-14, R-09)', async () => {
    const world = await theatre.open({ instances: 2 })
    const { stage, role } = world
    const old = await stage.dsn()
    const load = startLoad(stage.instances.map(({ url }) => `${url}/work`), 60, 5_000)
    await until('sessions of the old one', 20_000, async () => ((await sessionsOf(world, role)) > 0 ? true : undefined))
    // It stops itself before it makes anything: what is in use is dead by then, and nobody is logged in with it.
    const running = world.start(EMERGENCY, { rehearse: 'stop:mint/before-intent' })
    await running.stopped()
    expect(await world.login(old)).toBe('28P01')
    expect(await sessionsOf(world, role)).toBe(0)
    running.send('SIGCONT')
    const ran = await running.end
    expectRun(ran, 0, /▸ forget-first .*outage about .*exposure about/, /mint-first .*outage none/, /There is no way back/, /Done: database-/, /proven dead .* after the decision/, /stays open until its questions are answered: accessed, told, leaked, removed/)
    const enough = load.now().requests + 30
    await until('some more requests', 20_000, () => (load.now().requests > enough ? true : undefined))
    const report = await load.stop()
    expect(report.failed).toBeGreaterThan(0)
    expect(await world.login(await stage.dsn())).toBe('accepted')

    const { plan, events } = await shown(world, await world.newest())
    expect(plan.steps.map(({ id }) => id).slice(0, 4)).toEqual(['forget', 'prove:ended', 'preflight', 'mint'])
    expect(plan.back).toEqual([])
    expect(plan.steps.some((step) => step.do === 'wait' || step.do === 'gate' || step.do === 'watch')).toBe(false)
    const at = (step: string): number => events.find((event) => event.type === 'step-done' && event.step === step)?.at ?? 0
    const { secrets: [found], unanswered, state } = record(world)
    expect(found).toMatchObject({ order: 'forget-first', result: 'done', exposureMs: at('prove:ended') - (plan.emergency?.decidedAt ?? 0) })
    expect(found?.outageMs).toBeGreaterThan(0)
    expect([state, unanswered]).toEqual(['open', ['accessed', 'told', 'leaked', 'removed']])
    console.log(`forget first: exposure ${found?.exposureMs} ms, outage ${found?.outageMs} ms, ${report.failed} of ${report.requests} requests failed`)
  })
})

describe('mint first', () => {
  it('no request fails, and the old one is dead in the end (C-29)', async () => {
    const world = await theatre.open({ instances: 2, pace: { grace: '1h', undo: '1h' } })
    const { stage, role } = world
    const old = await stage.dsn()
    const load = startLoad(stage.instances.map(({ url }) => `${url}/work`), 60, 5_000)
    await until('sessions of the old one', 20_000, async () => ((await sessionsOf(world, role)) > 0 ? true : undefined))
    expectRun(await world.keyturn([...EMERGENCY, '--mint-first']), 0, /▸ mint-first/, /no outage/)
    const enough = load.now().requests + 30
    await until('some more requests', 20_000, () => (load.now().requests > enough ? true : undefined))
    const report = await load.stop()
    expect(report).toMatchObject({ failed: 0, reasons: {} })
    expect(await world.login(old)).toBe('28P01')
    expect(await sessionsOf(world, role)).toBe(0)
    const { secrets: [found] } = record(world)
    expect(found).toMatchObject({ order: 'mint-first', outageMs: 0 })
    console.log(`mint first: exposure ${found?.exposureMs} ms, 0 of ${report.requests} requests failed`)
  })
})

describe('a rotation that is open', () => {
  it('in its grace is superseded, and both of its credentials are ended; journaled in both (S2-49)', async () => {
    const world = await theatre.open({ instances: 1, pace: { grace: '1h' } })
    const { stage, role } = world
    const first = await stage.dsn()
    expectRun(await world.keyturn(['rotate', 'database']), 4, /grace/)
    const before = await world.newest()
    const second = await stage.dsn()
    expect([await world.login(first), await world.login(second)]).toEqual(['accepted', 'accepted'])
    expectRun(await world.keyturn(EMERGENCY), 0, new RegExp(`takes the place of ${before}`))
    const after = await world.newest()
    expect([await world.login(first), await world.login(second)]).toEqual(['28P01', '28P01'])
    expect(await world.login(await stage.dsn())).toBe('accepted')

    const superseded = await shown(world, before)
    expect(superseded.events.at(-1)).toMatchObject({ type: 'rotation-closed', result: 'superseded', code: 'SUPERSEDED', about: after })
    const { plan, events } = await shown(world, after)
    expect(plan.emergency).toMatchObject({ supersedes: before, inherits: [{ id: role, name: 'also:0' }] })
    const proof = events.findLast((event) => event.type === 'step-done' && event.step === 'prove')
    expect(proof).toMatchObject({ evidence: { new: 'accepted', old: 'rejected', 'also:0': 'rejected', 'also:0 at primary': 'rejected 28P01' } })
    const { receipt } = JSON.parse(readFileSync(join(world.state, 'receipts', `${after}.json`), 'utf8')) as { receipt: Receipt }
    expect(receipt).toMatchObject({ result: 'done', ended: { id: `${role}_alt` }, inUse: { id: role } })
    expectRun(await world.keyturn(['resume', before]), 3, /Superseded/)
    expectRun(await world.keyturn(['audit', 'verify']), 0, /2 rotations/)
    expect(record(world).secrets[0]?.superseded).toBe(before)
  })

  it('that another process carries on just then is taken away from it: that one is fenced off', async () => {
    const world = await theatre.open()
    const first = await world.stage.dsn()
    const running = world.start(['rotate', 'database', '--wait'], { rehearse: 'stop:publish:0/before-intent' })
    await running.stopped()
    expectRun(await world.keyturn(EMERGENCY), 0, /takes the place of/)
    running.send('SIGCONT')
    expectRun(await running.end, 3, /FENCED/)
    const dsn = await world.stage.dsn()
    expect([await world.login(first), await world.login(dsn)]).toEqual(['28P01', 'accepted'])
    expectRun(await world.keyturn(['audit', 'verify']), 0)
  })
})

describe('the command', () => {
  it('says what it needs, and changes nothing without a yes where nobody can be asked', async () => {
    const world = await theatre.open()
    const old = await world.stage.dsn()
    expectRun(await world.keyturn(['emergency', 'database', '--yes']), 2, /--reason/)
    expectRun(await world.keyturn(['emergency', 'database', '--reason', 'a test']), 2, /▸ forget-first/, /there is no terminal to ask on/, /--yes/)
    expectRun(await world.keyturn(['emergency', '--reason', 'a test', '--yes']), 2, /needs a secret/)
    expectRun(await world.keyturn([...EMERGENCY, '--leak', 'a chat']), 2, /--leak takes a URL/)
    expect(await world.login(old)).toBe('accepted')
    expectRun(await world.keyturn(['history']), 0, /No rotation yet/)
    expectRun(await world.keyturn(['incident']), 0, /There was no emergency/)
  })

  it('keeps no value: neither of the reason nor of the URL of the leak (S2-47, R-10)', async () => {
    const world = await theatre.open()
    const { password } = new URL(await world.stage.dsn())
    // In a file of arguments it would be on disk; the words of this one run are not scanned.
    const said = await world.keyturn(['emergency', 'database', '--reason', 'a test', '--yes', '--leak', 'https://ada:lovelace@paste.example/x?token=abcdefghijklmnop#frag'])
    expectRun(said, 0)
    expect(record(world).leak).toBe('https://paste.example/x')
    expect(password.length).toBeGreaterThan(16)
  })
})

describe('the incident', () => {
  it('is open until named persons have answered, in status and in due, and is closed then; each answer is journaled (S2-46, S2-47)', async () => {
    const world = await theatre.open()
    expectRun(await world.keyturn(EMERGENCY), 0)
    const { incident } = record(world)
    expectRun(await world.keyturn(['status']), 0, /Nothing is open/, new RegExp(`incident +${incident} .*accessed, told, leaked, removed`))
    expectRun(await world.keyturn(['due']), 0, new RegExp(incident))
    expectRun(await world.keyturn(['incident', 'close', incident]), 3, /nobody has answered: accessed, told, leaked, removed/)
    expectRun(await world.keyturn(['incident', 'answer', incident, 'where', '--text', 'x']), 2, /there is no question where/, /accessed, told, leaked, removed/)
    for (const [question, text] of [['accessed', 'nothing: the log of the server shows no login but ours'], ['told', 'the team, by mail'], ['leaked', 'a laptop'], ['removed', 'yes, wiped from afar']] as const) {
      expectRun(await world.keyturn(['incident', 'answer', incident, question, '--text', text, '--by', 'Ada Lovelace']), 0, /Ada Lovelace/)
    }
    expectRun(await world.keyturn(['incident', 'close', incident]), 0, /closed/)
    expectRun(await world.keyturn(['incident', 'answer', incident, 'told', '--text', 'late']), 3, /is closed/)
    expectRun(await world.keyturn(['status']), 0, /^Nothing is open\.\n$/)
    const file = join(world.state, 'incidents', `${incident}.md`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const text = readFileSync(file, 'utf8')
    for (const part of [/# Incident incident-/, /the laptop of a colleague is gone/, /proof prove:ended/, /old: rejected/, /a laptop \(Ada Lovelace/, /incident-closed/, /kf:[0-9a-f]{32}/]) expect(text).toMatch(part)
    expectRun(await world.keyturn(['audit', 'verify']), 0, /notes/)
    expectRun(await world.keyturn(['history']), 0, /incident-answered/)
  })
})
