import { describe, expect, it } from 'vitest'
import { POINTS } from '../../src/engine/rehearsal.ts'
import { answerTask } from '../../src/operations/answer.ts'
import { takeOut } from '../../src/operations/hand-over.ts'
import { BACKENDS, type FreshState } from '../fixture/state.ts'
import { setStage, type Stage } from '../strategies/stage.ts'
import { CONSOLE } from './console.ts'

const RECEIVERS = ['billing', 'shipping']
const SECRET = {
  consumers: [{ use: 'receivers', receivers: Object.fromEntries(RECEIVERS.map((name) => [name, { person: `who runs ${name}` }])) }],
  checks: [], quiet: '0s',
}
/** A key of our own: nobody outside but the receivers knows it. */
const issuer = (): Record<string, unknown> => ({ use: 'random', name: 'key', format: 'alnum' })

function set(fresh: (root: string) => Promise<FreshState>): Promise<Stage> {
  return setStage(CONSOLE, { issuer, state: fresh, secret: { ...SECRET, stores: [{ use: 'dotenv', file: '.env', bind: { TOKEN: '{value}' } }] } })
}

/** Hands the value over to each that is still asked for, and answers for it; what each was given. */
async function attend(stage: Stage): Promise<Record<string, string>> {
  const given: Record<string, string> = {}
  for (const name of (await stage.progress()).asked?.task.receivers ?? []) {
    given[name] = (await takeOut(stage.engine, stage.rotation(), name, { to: 'file' })).value.reveal()
    await answerTask(stage.engine, stage.rotation(), {}, [name])
  }
  return given
}

async function words(stage: Stage, step: string): Promise<string[]> {
  return (await stage.events()).flatMap((event) => (event.type === 'receiver-acknowledged' && event.step === step ? [event.receiver] : []))
}

describe.each(BACKENDS)('a run that is killed where receivers outside are asked, in $name (I1, I2, S2-39)', ({ fresh }) => {
  it.each(POINTS)('while it asks, at %s: the next one asks the same, and goes on when each has answered', async (point) => {
    const stage = await set(fresh)
    await stage.open()
    await stage.dieAt('reload:0.0', point)
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    const given = await attend(stage)
    expect(given).toEqual(Object.fromEntries(RECEIVERS.map((name) => [name, stage.stored()])))
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(await words(stage, 'reload:0.0')).toEqual(RECEIVERS)
  })

  it.each(POINTS)('after one of two has answered and the other does, at %s: nobody is asked twice', async (point) => {
    const stage = await set(fresh)
    await stage.open()
    await stage.on()
    await takeOut(stage.engine, stage.rotation(), 'billing', { to: 'terminal' })
    await answerTask(stage.engine, stage.rotation(), {}, ['billing'])
    expect((await stage.progress()).asked?.task.receivers).toEqual(['shipping'])
    await attend(stage)
    await stage.dieAt('reload:0.0', point)
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(await words(stage, 'reload:0.0')).toEqual(RECEIVERS)
  })

  it.each(POINTS)('on the way back, at %s: only who was handed the new value is asked to go back', async (point) => {
    const stage = await set(fresh)
    const before = stage.stored()
    await stage.open()
    await stage.on()
    await takeOut(stage.engine, stage.rotation(), 'shipping', { to: 'command' })
    await stage.turn('abort')
    await stage.dieAt('back:reload:0.0', point)
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    expect(await attend(stage)).toEqual({ shipping: before })
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    expect(await words(stage, 'back:reload:0.0')).toEqual(['shipping'])
    expect(stage.stored()).toBe(before)
  })
})
