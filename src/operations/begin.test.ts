import { describe, expect, it } from 'vitest'
import { play } from '../../test/review/play.ts'
import { drive } from '../engine/drive.ts'
import type { KeyturnError } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import type { Schedule } from '../manifest/schedule.ts'
import { pauseState } from '../state/pause.ts'
import { findRotation, listRotations } from '../state/rotation.ts'
import { readEvents } from '../journal/read.ts'
import { beginDue } from './begin.ts'
import { listDue } from './due.ts'

const DAY = 86_400_000
const schedule: Schedule = { zone: 'UTC', windows: [], freezes: [], jitter: 0, serial: false, retry: DAY }

/** A world in which one rotation is over, with a manifest that begins the next one by itself. */
async function scheduled(part: Partial<Schedule> = {}, every = '30d') {
  const world = await play()
  await world.on()
  const { database } = world.manifest.secrets
  if (database === undefined) throw new Error('no secret')
  const manifest: Manifest = { ...world.manifest, schedule: { ...schedule, ...part }, secrets: { database: { ...database, every } } }
  const failures: string[] = []
  const onFailure = (secret: string, error: KeyturnError): void => void failures.push(`${secret} ${error.code}`)
  return { ...world, manifest, failures, onFailure, begin: () => beginDue(world.engine, manifest, onFailure), rows: () => listRotations(world.engine.state.db) }
}

describe('what the schedule begins', () => {
  it('is begun when its time has come, once, with the reason in its journal', async () => {
    const { outside, engine, begin, rows, rotation } = await scheduled()
    await begin()
    expect(await rows()).toHaveLength(1)
    outside.now += 30 * DAY
    await begin()
    await begin()
    const all = await rows()
    expect(all).toHaveLength(2)
    const fresh = all.find(({ id }) => id !== rotation)?.id ?? ''
    expect((await readEvents(engine, fresh)).events[0]).toMatchObject({ type: 'rotation-opened', reason: 'scheduled: every 30d' })
  })

  it('is not begun without a schedule, in a freeze, or while the state is paused', async () => {
    const { outside, engine, manifest, rows, onFailure } = await scheduled({ freezes: [{ from: '2026-01-20', to: '2026-03-01', reason: 'a launch' }] })
    outside.now += 31 * DAY
    const { schedule: _, ...without } = manifest
    for (const each of [without, manifest]) await beginDue(engine, each, onFailure)
    expect(await rows()).toHaveLength(1)
    expect(await listDue(manifest, engine.state.db, engine.now(), 0)).toMatchObject([{ state: 'overdue', begins: Date.parse('2026-03-02T00:00:00Z'), because: 'frozen until 2026-03-01: a launch' }])
    outside.now += 60 * DAY
    await pauseState(engine.state, { by: 'ada@host', reason: 'a move', at: engine.now() })
    await beginDue(engine, manifest, onFailure)
    expect(await rows()).toHaveLength(1)
  })

  it('that cannot be begun is told, and tried again', async () => {
    const { outside, begin, rows, failures } = await scheduled()
    outside.now += 30 * DAY
    // Somebody has changed the value by hand: the ledger has never seen it.
    const [user] = outside.stored.split(':')
    outside.stored = `${user}:${'x'.repeat(32)}`
    const login = outside.logins.get(user ?? '')
    if (login !== undefined) login.password = 'x'.repeat(32)
    await begin()
    await begin()
    expect(failures).toEqual(['database STATE_STALE', 'database STATE_STALE'])
    expect(await rows()).toHaveLength(1)
  })

  it('is begun and carried out for a year by whoever looks once a day', async () => {
    const { outside, engine, rows, failures, begin } = await scheduled()
    const began = outside.now
    for (let day = 0; day < 365; day += 1) {
      outside.now = Math.max(outside.now, began + day * DAY)
      await begin()
      for (const { id } of (await rows()).filter(({ result }) => result === null)) {
        for (let stopped = await drive(engine, id); stopped.is === 'waiting'; stopped = await drive(engine, id)) outside.now = Math.max(outside.now, stopped.again)
      }
    }
    const all = (await rows()).toSorted((a, b) => a.opened_at - b.opened_at)
    expect(failures).toEqual([])
    expect(all.every(({ result }) => result === 'done')).toBe(true)
    expect(all).toHaveLength(13)
    for (const [index, { opened_at: at }] of all.entries()) {
      const before = all[index - 1]?.opened_at
      if (before !== undefined) expect(at - before).toBeGreaterThanOrEqual(30 * DAY)
      if (before !== undefined) expect(at - before).toBeLessThan(31 * DAY)
    }
    // The one credential that is used is on, the other one is off.
    expect([...outside.logins.values()].filter(({ on }) => on)).toHaveLength(1)
    expect((await findRotation(engine.state.db, all.at(-1)?.id ?? '')).result).toBe('done')
  })
})
