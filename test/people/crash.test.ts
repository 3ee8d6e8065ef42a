import { describe, expect, it } from 'vitest'
import { POINTS } from '../../src/engine/rehearsal.ts'
import type { Fields } from '../../src/kit/index.ts'
import { answerTask } from '../../src/operations/answer.ts'
import { proveEnd } from '../strategies/proof.ts'
import { setStage, type Stage } from '../strategies/stage.ts'
import { BY_HAND, CONSOLE, personIssuer } from './console.ts'

const set = (): Promise<Stage> => setStage(CONSOLE, { issuer: personIssuer, consumers: ['app'], secret: { checks: BY_HAND.checks } })

/** Does at the console what the task at hand says, and answers it. */
async function attend(stage: Stage): Promise<string> {
  const { asked } = await stage.progress()
  if (asked === undefined) throw new Error('nothing is asked')
  let fields: Fields = {}
  if (asked.task.kind === 'mint') fields = stage.server.make().fields
  if (asked.task.kind === 'end') {
    const old = (await stage.progress()).plan.current?.id ?? ''
    stage.server.keys.remove('atlas', old)
  }
  await answerTask(stage.engine, stage.rotation(), fields)
  return `${asked.step} ${asked.task.kind}`
}

/** Goes on to the end, and what was asked on the way. */
async function attendAll(stage: Stage): Promise<string[]> {
  const answered: string[] = []
  for (;;) {
    const stopped = await stage.on()
    if (stopped.is !== 'person' || !stopped.task) {
      expect(stopped).toMatchObject({ is: 'closed', result: 'done' })
      return answered
    }
    answered.push(await attend(stage))
  }
}

const TASKS = ['mint mint', 'check:0 confirm', 'watch confirm', 'gone end']

describe('a run that is killed where a person is asked (I1, I2, I3)', () => {
  it.for(TASKS.flatMap((task) => POINTS.map((point) => [task.split(' ')[0] ?? '', point] as const)))('at %s, %s: the next one asks the same, once, and nothing more', async ([step, point]) => {
    const stage = await set()
    const old = stage.stored()
    await stage.open()
    const before: string[] = []
    for (const task of TASKS) {
      if (task.startsWith(`${step} `)) break
      await stage.on()
      before.push(await attend(stage))
    }
    await stage.dieAt(step, point)
    const began = stage.clock.now
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    expect(stage.clock.now - began, 'nothing was sent that could come late').toBeLessThan(1_000)
    expect([...before, ...(await attendAll(stage))]).toEqual(TASKS)
    await proveEnd(stage, { result: 'done', old })
  })

  it('and after the answer was taken: nothing that was answered is asked again', async () => {
    const stage = await set()
    const old = stage.stored()
    await stage.open()
    await stage.on()
    await attend(stage)
    await stage.dieAt('probe:new', 'before-intent')
    const sealed = await stage.engine.state.db.selectFrom('sealed').select('name').where('rotation', '=', stage.rotation()).execute()
    expect(sealed.map(({ name }) => name).sort()).toEqual(['new', 'old'])
    expect(stage.stored()).toBe(old)
    expect(await attendAll(stage)).toEqual(TASKS.slice(1))
    await proveEnd(stage, { result: 'done', old })
  })
})
