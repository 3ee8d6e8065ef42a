import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { planLines } from '../../src/views/plan.ts'
import { PLAIN } from '../../src/views/paint.ts'
import { soundEvents } from '../fixture/sound.ts'
import { type KeyStage, setKeyStage } from './stage.ts'

async function rotated(stage: KeyStage): Promise<void> {
  await stage.open()
  expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
}

describe('two keys', () => {
  it('are shown by the plan in plain words: three publishes, what each is for, and no value', async () => {
    const stage = await setKeyStage('sqlite')
    const lines = planLines(await stage.plan(), PLAIN)
    const text = lines.join('\n')
    const written = lines.flatMap((line) => /(?<=\s)write .* in dotenv \S*\/\.env .*/.exec(line) ?? []).map((line) => line.replace(/ in dotenv.*/, ''))
    expect(written).toEqual([
      'write the old key as the one that signs and the new one as accepted beside it',
      'write the new key as the one that signs and the old one as accepted beside it',
      'write the new key alone: the old one is forgotten',
    ])
    expect(text).toContain('wait 5 s until whoever verifies has fetched the new key')
    expect(text).toContain('wait 1 min of grace: what the other key signed is alive for up to 1 min')
    expect(text).toContain('gate: every instance signs with the new key, every store shows it, looked at now')
    expect(text).toMatch(/gap +none: old and new are accepted side by side/)
    expect(text).toMatch(/no return +from the step forget:publish:0 on/)
    for (const key of stage.holders.all[0]?.accepts ?? []) expect(text).not.toContain(key)
  })

  it('are rotated twice in a row, and the second time begins as the first one did (C-11, S1-31)', async () => {
    const stage = await setKeyStage('sqlite')
    const texts = [stage.text(1)]
    for (let time = 0; time < 2; time += 1) {
      await rotated(stage)
      texts.push(stage.text(1))
    }
    expect(new Set(texts).size).toBe(3)
    for (const text of texts) expect(text).toMatch(/^# of the API\nKEY=[0-9a-f]{64}\n$/)
    expect(stage.holders.refused).toEqual([])
  })

  it('wait for the whole life of a token again when the gate has seen an instance that signs with the old one (I4, I6, GRACE)', async () => {
    const stage = await setKeyStage('sqlite')
    await stage.open()
    expect(await stage.diesAt('grace', 'after-outcome')).toBe(true)
    const [one] = stage.holders.all
    if (one === undefined) throw new Error('no instance')
    const fresh = one.signs
    const [old = ''] = one.accepts.filter((key) => key !== fresh)
    // A deployment is rolled back in the grace: it accepts both, and signs with the old key.
    one.signs = old
    const held = await stage.once()
    expect(held).toMatchObject({ is: 'waiting', why: 'gate', about: expect.stringContaining('api-1 holds what was published before') as string })
    one.signs = fresh
    const again = await stage.once(held.is === 'waiting' ? held.again : 0)
    expect(again).toMatchObject({ is: 'waiting', why: 'gate', about: expect.stringContaining('an instance presented another key again') as string })
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    const events = await soundEvents(stage.engine, stage.rotation())
    const stale = events.find((event) => event.type === 'gate-held' && event.stale === true)
    const forgotten = events.find((event) => event.type === 'intent-recorded' && event.step === 'forget:publish:0')
    expect((forgotten?.at ?? 0) - (stale?.at ?? 0)).toBeGreaterThanOrEqual(60_000)
    expect(stage.holders.refused).toEqual([])
  })

  it('are not begun while an older key is accepted, in whichever name it is kept (C-09)', async () => {
    for (const [file, line] of [[0, 'KEY_PREVIOUS'], [1, 'KEY_OLD'], [1, 'KEY_NEW']] as const) {
      const stage = await setKeyStage('sqlite')
      writeFileSync(stage.files[file], `${stage.text(file)}${line}=${'0'.repeat(64)}\n`)
      await expect(stage.plan()).rejects.toMatchObject({ code: 'PREVIOUS_HELD', about: expect.stringContaining(`${line} in dotenv`) as string })
    }
  })

  it('are not overwritten when somebody changes one of them in between: the rotation says where, and waits for a person', async () => {
    const stage = await setKeyStage('sqlite')
    await stage.open()
    expect(await stage.diesAt('publish:0', 'before-intent')).toBe(true)
    const foreign = stage.text(0).replace(/KEY_PREVIOUS=.*/, `KEY_PREVIOUS=${'0'.repeat(64)}`)
    writeFileSync(stage.files[0], foreign)
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'STORE_EDITED', about: expect.stringContaining('KEY_PREVIOUS') as string })
    expect(readFileSync(stage.files[0], 'utf8')).toBe(foreign)
  })

  it('are taken back after they are done by the same three publishes, old and new swapped (C-12, ROLLBACK)', async () => {
    const stage = await setKeyStage('sqlite')
    const before = stage.text(0)
    await rotated(stage)
    await stage.takeBack()
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(stage.text(0)).toBe(before)
    const { plan } = await stage.progress()
    expect(plan.steps.filter((step) => step.do === 'publish').map(({ id }) => id)).toEqual(['accept:publish:0', 'accept:publish:1', 'publish:0', 'publish:1', 'forget:publish:0', 'forget:publish:1'])
    await soundEvents(stage.engine, stage.rotation())
    expect(stage.holders.refused).toEqual([])
  })
})
