import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { drive } from '../../src/engine/drive.ts'
import { openRotation, planSecret } from '../../src/engine/rotate.ts'
import { request } from '../../src/operations/request.ts'
import { continueState, pauseState } from '../../src/state/pause.ts'
import { findRotation } from '../../src/state/rotation.ts'
import { NOW } from '../fixture/state.ts'
import { play } from './play.ts'

const pause = { by: 'ada@host', reason: 'the database moves', at: NOW }

describe('a paused state', () => {
  it('begins nothing and goes on with nothing, and says who paused it and why', async () => {
    const { outside, engine, manifest, once, dieAt } = await play()
    await dieAt('mint', 'before-intent')
    await pauseState(engine.state, pause)
    await expect(once()).rejects.toMatchObject({ code: 'PAUSED', about: 'by ada@host: the database moves' })
    const plan = await planSecret(engine, manifest, 'database', { look: true })
    await expect(openRotation(engine, plan, { reason: 'again' })).rejects.toMatchObject({ code: 'PAUSED' })
    expect(outside.effects).toEqual([])
    await continueState(engine.state, { by: 'ada@host', at: NOW })
    expect(await once()).toMatchObject({ is: 'closed', result: 'done' })
  })

  it('lets what is open go back all the same', async () => {
    const { outside, engine, rotation, on, dieAt } = await play()
    await dieAt('publish:0', 'after-outcome')
    await pauseState(engine.state, pause)
    await request(engine, rotation, 'abort')
    expect(await on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    expect(outside.stored.startsWith('a:')).toBe(true)
  })

  it('stops a run in the middle, after the step at hand is on disk', async () => {
    const { engine, rotation, once, events } = await play()
    const { db } = engine.state
    const leaseOf = async (): Promise<number> => (await findRotation(db, rotation)).lease_until
    let first = true
    const run = drive({
      ...engine, leaseMs: 60,
      // The watch sleeps between its looks: it is paused then, and two heartbeats pass.
      async sleep(ms, signal) {
        await engine.sleep(ms, signal)
        if (!first) return
        first = false
        await pauseState(engine.state, pause)
        for (let beats = 0, last = await leaseOf(); beats < 2; await setImmediate()) {
          const lease = await leaseOf()
          if (lease !== last) beats += 1
          last = lease
        }
      },
    }, rotation)
    await expect(run).rejects.toMatchObject({ code: 'PAUSED' })
    expect((await events()).at(-1)).toMatchObject({ type: 'step-done', step: 'watch' })
    await expect(once()).rejects.toMatchObject({ code: 'PAUSED' })
  })
})
