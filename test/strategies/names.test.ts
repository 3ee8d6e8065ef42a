import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ReferenceTraits } from '../../src/testing/index.ts'
import { proveEnd } from './proof.ts'
import { setStage, type Stage } from './stage.ts'

/** A key of a provider, and a program that looks for TOKEN_NEW, then TOKEN_OLD, then TOKEN, as runbook 001 has it. */
const KEYS: ReferenceTraits = { value: 'made', mint: 'adds', locate: 'tag', slots: 2, ends: ['off', 'gone'] }
const NAMES = { stores: [{ use: 'dotenv', file: '.env', bind: { TOKEN: '{token}', TOKEN_NEW: { new: '{token}' }, TOKEN_OLD: { old: '{token}' } } }] }

const fileOf = ({ manifest }: Stage): string => join(dirname(manifest.file), '.env')
const textOf = (stage: Stage): string => readFileSync(fileOf(stage), 'utf8')

describe('a new and an old name beside the base name (G-06, S1-25..S1-31)', () => {
  it('hold literal values while both are accepted, and the new one is proven before it is written (C-10, C-32)', async () => {
    const stage = await setStage(KEYS, { secret: NAMES })
    const old = stage.stored()
    await stage.open()
    await stage.dieAt('publish:0', 'before-intent')
    expect((await stage.progress()).done.get('probe:new')?.evidence).toMatchObject({ new: 'accepted' })
    expect(textOf(stage)).toBe(`# of the app\nTOKEN=${old}\n`)
    await stage.dieAt('grace', 'before-intent')
    const fresh = stage.stored()
    expect(fresh).not.toBe(old)
    expect(textOf(stage)).toBe(`# of the app\nTOKEN=${fresh}\nTOKEN_NEW=${fresh}\nTOKEN_OLD=${old}\n`)
  })

  it('are gone at the end, in time before the old one is ended: the base name holds the new value, and the next rotation begins as this one (C-11, S1-31)', async () => {
    const stage = await setStage(KEYS, { secret: NAMES })
    for (let time = 0; time < 2; time += 1) {
      const old = stage.stored()
      await stage.open()
      await stage.dieAt('off', 'before-intent')
      expect(textOf(stage)).toBe(`# of the app\nTOKEN=${stage.stored()}\n`)
      expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
      await proveEnd(stage, { result: 'done', old })
      for (const service of Object.values(stage.services)) expect(service.reloads).toHaveLength(2 * (time + 1))
    }
  })

  it('are gone as well when it goes back', async () => {
    const stage = await setStage(KEYS, { secret: NAMES })
    const [old, before] = [stage.stored(), textOf(stage)]
    for (const step of ['grace', 'settle:publish:0', 'undo']) {
      await stage.open()
      await stage.dieAt(step, 'before-intent')
      await stage.turn(step === 'undo' ? 'undo' : 'abort')
      expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
      expect(textOf(stage)).toBe(before)
      await proveEnd(stage, { result: 'rolled-back', old })
      stage.forgetLeft()
    }
  })

  it('keep a rotation from beginning when a run by hand has left one of them behind (C-11)', async () => {
    const stage = await setStage(KEYS, { secret: NAMES })
    writeFileSync(fileOf(stage), `${textOf(stage)}TOKEN_NEW=left-behind-by-somebody\n`)
    await expect(stage.plan()).rejects.toMatchObject({ code: 'PREVIOUS_HELD', about: expect.stringContaining('TOKEN_NEW in dotenv') as string })
  })
})
