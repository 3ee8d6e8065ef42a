import { expect, it } from 'vitest'
import { beginEmergency } from '../../src/emergency/begin.ts'
import { prepareEmergency } from '../../src/emergency/prepare.ts'
import { drive } from '../../src/engine/drive.ts'
import { exposureOf } from '../../src/journal/forgotten.ts'
import { foldProgress } from '../../src/journal/progress.ts'
import { readLedger } from '../../src/state/ledger.ts'
import { soundEvents } from '../fixture/sound.ts'
import { SECRET, setKeyStage } from '../keys/stage.ts'

it('a key that we make is presented at once with none beside it, also in the middle of a rotation: no store holds a key of before, nor what was new then', { timeout: 60_000 }, async () => {
  const stage = await setKeyStage('sqlite')
  const { engine, manifest } = stage
  const old = /^KEY=(.+)$/m.exec(stage.text(0))?.[1] ?? ''
  await stage.open()
  expect(await stage.diesAt('publish:0', 'after-outcome')).toBe(true)
  const middle = stage.text(0)
  expect(middle).toContain(old)
  const prepared = await prepareEmergency(engine, manifest, SECRET, 'forget-first')
  const id = await beginEmergency(engine, prepared, { order: 'forget-first', incident: 'incident-1', decidedAt: engine.now(), reason: 'a test' })
  const stopped = await drive(engine, id)
  expect(stopped).toMatchObject({ is: 'closed', result: 'done' })
  for (const file of [0, 1] as const) {
    for (const value of [...middle.matchAll(/=(\w{32,})$/gm)].map(([, found = '']) => found)) expect(stage.text(file)).not.toContain(value)
  }
  const progress = foldProgress(await soundEvents(engine, id))
  expect(progress.plan.steps.some((step) => step.do === 'wait' || step.do === 'gate')).toBe(false)
  expect(exposureOf(progress)?.until).toBeGreaterThan(0)
  const ledger = await readLedger(engine.state.db, `${manifest.system}/${manifest.environment}/${SECRET}`)
  expect(ledger.filter(({ state }) => state !== 'gone').map(({ state }) => state)).toEqual(['presented'])
})
