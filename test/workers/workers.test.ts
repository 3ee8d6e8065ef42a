import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest'
import { readEvents } from '../../src/journal/read.ts'
import type { TimedEvent } from '../../src/journal/event.ts'
import { queryAt, ready, startPostgres, until } from '../servers/postgres.ts'
import { startProxy } from '../servers/proxy.ts'
import type { Running } from '../worlds/keyturn.ts'
import { dropState, setStage, type Stage, type StageOptions, stateUrl } from './stage.ts'

const SLOW = 120_000

let serverUrl: string
let schema: string

beforeEach(async () => {
  serverUrl = await ready(inject('postgresUrl'))
  schema = `wk_${randomBytes(5).toString('hex')}`
})

async function stageFor(options: Partial<StageOptions>): Promise<Stage> {
  const stage = await setStage({ state: stateUrl(serverUrl, schema), secrets: 4, ...options })
  onTestFinished(async () => {
    await stage.close()
    if (options.state === undefined) await dropState(serverUrl, schema)
  })
  return stage
}

/** Ends it with the test, if it has not ended before. */
function started(running: Running): Running {
  onTestFinished(async () => {
    running.send('SIGCONT')
    running.send('SIGKILL')
    await running.end
  })
  return running
}

/** The processes that this one has started, and that go on. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((child) => parentOf(child) === pid)
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}

const goesOn = (pid: number): boolean => parentOf(pid) !== undefined && !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

function journals(stage: Stage): Promise<TimedEvent[][]> {
  return stage.inState(async (state) => Promise.all((await stage.rows()).map(async (row) => (await readEvents({ state }, row.id)).events)))
}

const ownersIn = (events: readonly TimedEvent[]): string[] => events.flatMap((event) => (event.type === 'rotation-claimed' ? [event.by] : []))

/** Nothing was intended twice: no step was repeated, and none was begun by two. */
async function eachIntendedOnce(stage: Stage): Promise<void> {
  for (const events of await journals(stage)) {
    const intended = events.flatMap((event) => (event.type === 'intent-recorded' ? [event.step] : []))
    expect(intended.toSorted()).toEqual([...new Set(intended)].toSorted())
  }
}

/** Every effect was done once; what was intended again had certainly not happened before (the server of the effects was away, too). */
async function eachDoneOnce(stage: Stage): Promise<void> {
  for (const events of await journals(stage)) {
    const done = events.flatMap((event) => (event.type === 'step-done' ? [event.step] : []))
    expect(done.toSorted()).toEqual([...new Set(done)].toSorted())
    for (const [at, event] of events.entries()) {
      if (event.type !== 'intent-recorded' || event.attempt === 1) continue
      const before = events.slice(0, at).findLast((each) => 'attempt' in each && each.step === event.step)
      expect(['step-refused', 'step-absent']).toContain(before?.type)
    }
  }
}

describe('keyturn run --workers on PostgreSQL', () => {
  it('shares the work: every step of every rotation is done once, and SIGTERM ends all after the step at hand', { timeout: SLOW }, async () => {
    const stage = await stageFor({ secrets: 8, reload: 50 })
    const workers = started(stage.start(['run', '--workers', '3', '--concurrency', '2', '--json']))
    await stage.allClosed()
    const children = childrenOf(workers.pid)
    expect(children).toHaveLength(3)
    workers.send('SIGTERM')
    expect(await workers.end).toMatchObject({ code: 0 })
    expect(children.filter(goesOn)).toEqual([])
    await stage.prove()
    await eachIntendedOnce(stage)
    // The jobs gave each its share: not one of them did all.
    expect(new Set((await journals(stage)).flatMap(ownersIn)).size).toBeGreaterThan(1)
    // What the state does not have as a file it shows, and it verifies anywhere.
    const [row] = await stage.rows()
    const shown = await stage.start(['show', row?.id ?? '', '--receipt']).end
    expect(shown.json()).toMatchObject({ receipt: { rotation: row?.id, result: 'done' } })
    expect(await stage.start(['audit', 'verify']).end).toMatchObject({ code: 0, out: expect.stringMatching(/^Verified: 8 rotations, \d+ entries, 8 receipts, 8 notes;/) as string })
    expect((await stage.start(['rotate', 's0', '--wait']).end).out).toMatch(/receipt: keyturn show \S+ --receipt/)
  })

  it('goes on at each due time, whoever opened the rotation', { timeout: SLOW }, async () => {
    const stage = await stageFor({ secrets: 3, grace: '2s' })
    const workers = started(stage.start(['run', '--workers', '2']))
    await stage.allClosed()
    await stage.prove()
    for (const events of await journals(stage)) {
      const wait = events.find((event) => event.type === 'wait-started')
      const over = events.find((event) => event.type === 'step-done' && event.step === 'grace')
      if (wait?.type !== 'wait-started' || over === undefined) throw new Error('there was no grace')
      expect(over.at - wait.until).toBeGreaterThanOrEqual(0)
      expect(over.at - wait.until).toBeLessThan(3_000)
    }
    workers.send('SIGINT')
    expect(await workers.end).toMatchObject({ code: 0 })
  })

  it('starts a worker again that dies, and the others go on with what it held', { timeout: SLOW }, async () => {
    const stage = await stageFor({ secrets: 4 })
    // Every worker dies the first time that it comes there, in the middle of an effect; so does the next one, at another rotation.
    const workers = started(stage.start(['run', '--workers', '2', '--concurrency', '1'], { KEYTURN_REHEARSE: 'kill:publish:0/after-effect' }))
    await stage.allClosed(90_000)
    workers.send('SIGTERM')
    const { code, err } = await workers.end
    expect(code).toBe(0)
    expect(err).toMatch(/Worker \d ended \(SIGKILL\); it is started again in 1 s\./)
    await stage.prove()
    await eachIntendedOnce(stage)
    expect((await journals(stage)).filter((events) => ownersIn(events).length > 1)).toHaveLength(4)
  })

  it('ends by itself when the process that started it is killed', { timeout: SLOW }, async () => {
    const stage = await stageFor({ secrets: 2, grace: '1h' })
    const workers = started(stage.start(['run', '--workers', '2']))
    await until(async () => (await stage.rows()).every((row) => row.waits_for === 'grace'), 'they do not come to their wait')
    const children = childrenOf(workers.pid)
    expect(children).toHaveLength(2)
    workers.send('SIGKILL')
    await workers.end
    await until(() => !children.some(goesOn), 'the workers go on', 10_000)
  })

  it('ends with all workers when none can start, and does not try for ever', { timeout: SLOW }, async () => {
    const stage = await stageFor({ secrets: 1 })
    expect(await stage.start(['run', '--workers', '2'], { KEYTURN_LEASE_MS: 'soon' }).end).toMatchObject({ code: 2, err: expect.stringMatching(/KEYTURN_LEASE_MS.*\n[^]*Worker \d ended \(exit 2\); so do the others\./) as string })
    expect(await stage.start(['run', '--workers', '0']).end).toMatchObject({ code: 2 })
    expect(await stage.start(['run', '--workers', '2', '--once']).end).toMatchObject({ code: 2 })
  })
})

describe('a worker on PostgreSQL', () => {
  it('that was stopped past its lease is taken over, and what it writes when it wakes up is refused (I10)', { timeout: SLOW }, async () => {
    const stage = await stageFor({ secrets: 1, reload: 20 })
    const first = started(stage.start(['run', '--json'], { KEYTURN_REHEARSE: 'stop:publish:0/after-effect' }))
    await first.stopped()
    const second = started(stage.start(['run', '--json']))
    await stage.allClosed()
    const before = await journals(stage)
    first.send('SIGCONT')
    first.send('SIGTERM')
    expect(await first.end).toMatchObject({ code: 0 })
    expect(await journals(stage)).toEqual(before)
    await stage.prove()
    await eachIntendedOnce(stage)
    expect(before.map((events) => new Set(ownersIn(events)).size)).toEqual([2])
    second.send('SIGTERM')
    await second.end
  })

  it('that was killed is replaced within a lease and two seconds', { timeout: SLOW }, async () => {
    const stage = await stageFor({ secrets: 1 })
    const lease = 3_000
    const env = { KEYTURN_LEASE_MS: String(lease) }
    const standby = started(stage.start(['run', '--json'], { ...env, KEYTURN_REHEARSE: 'stop:mint:new/before-intent' }))
    await until(async () => (await stage.rows()).some((row) => row.owner !== null), 'nobody takes it')
    standby.send('SIGKILL')
    await standby.end
    const killedAt = Date.now()
    // As if it were on another machine: nobody here can tell that it is gone, so its lease has to run out.
    await stage.inState(async (state) => void (await state.db.updateTable('rotation').set({ owner: 'elsewhere/0/0 1@1' }).execute()))
    started(stage.start(['run', '--json'], env))
    await until(async () => (await stage.rows()).some((row) => row.owner !== null && !row.owner.startsWith('elsewhere')), 'nobody takes it over', 20_000)
    expect(Date.now() - killedAt).toBeLessThan(lease + 2_000 + 1_500)
    await stage.allClosed()
    await stage.prove()
  })

  it('does nothing while its clock differs from that of the state, and says so', { timeout: SLOW }, async () => {
    const stage = await stageFor({ secrets: 1 })
    for (const off of ['5000', '-5000']) {
      const ran = await stage.start(['resume', 's0'], { WORLDS_CLOCK: off }, ['./clock.ts']).end
      expect(ran).toMatchObject({ code: 3, err: expect.stringContaining('CLOCK_WRONG') as string })
    }
    const [events] = await journals(stage)
    expect(events).toHaveLength(1)
  })

  it('goes on without pg-boss when its tables are gone: a lost job only costs time', { timeout: SLOW }, async () => {
    const stage = await stageFor({ secrets: 3, grace: '3s' })
    const worker = started(stage.start(['run', '--json']))
    await until(async () => (await stage.rows()).every((row) => row.waits_for === 'grace'), 'they do not come to their wait')
    await queryAt(serverUrl, `drop schema ${schema}_jobs cascade`)
    await stage.allClosed()
    await stage.prove()
    worker.send('SIGTERM')
    expect(await worker.end).toMatchObject({ code: 0 })
  })
})

describe('the database of a state', () => {
  it('may be restarted and its connections cut in the middle: nothing is lost and nothing is done twice', { timeout: 2 * SLOW }, async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    const stage = await stageFor({ state: server.adminUrl, secrets: 6, reload: 150 })
    const workers = started(stage.start(['run', '--workers', '2', '--concurrency', '2', '--json']))
    const done = async (): Promise<number> => (await journals(stage)).flat().filter((event) => event.type === 'step-done').length
    for (const some of [10, 30, 50]) {
      await until(() => done().then((count) => count >= some, () => false), `there are no ${some} steps`, 60_000)
      if (some === 30) await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'keyturn'`)
      else await server.restart()
    }
    await stage.allClosed(90_000)
    workers.send('SIGTERM')
    expect(await workers.end).toMatchObject({ code: 0 })
    await stage.prove()
    await eachDoneOnce(stage)
  })

  it('that cannot be reached ends a run with 1 and a word about it, and resume goes on from there', { timeout: SLOW }, async () => {
    const proxy = await startProxy(stateUrl(serverUrl, schema))
    onTestFinished(() => proxy.close())
    const stage = await stageFor({ state: proxy.url, secrets: 1 })
    const run = started(stage.start(['resume', 's0', '--wait'], { KEYTURN_REHEARSE: 'stop:publish:0/after-effect' }))
    await run.stopped()
    proxy.refuse(true)
    proxy.cut()
    run.send('SIGCONT')
    const ended = await run.end
    expect(ended).toMatchObject({ code: 1, err: expect.stringMatching(/STATE_UNREACHABLE the database of the state does not answer/) as string })
    expect(ended.said).not.toMatch(/postgres:\/\/\w+:/)
    expect(await stage.start(['status']).end).toMatchObject({ code: 1 })
    proxy.refuse(false)
    expect(await stage.start(['resume', 's0', '--wait']).end).toMatchObject({ code: 0 })
    await stage.prove()
    await eachIntendedOnce(stage)
  })
})

describe('keyturn run --workers on SQLite', () => {
  it('works with the due scan alone, and says that they take turns', { timeout: SLOW }, async () => {
    const stage = await stageFor({ state: '.keyturn', secrets: 4 })
    const workers = started(stage.start(['run', '--workers', '2', '--concurrency', '1']))
    await stage.allClosed()
    workers.send('SIGTERM')
    const { code, err } = await workers.end
    expect(code).toBe(0)
    expect(err).toMatch(/^2 workers on \S+: they take turns at writing; on PostgreSQL they would not\.$/m)
    await stage.prove()
    await eachIntendedOnce(stage)
  })
})
