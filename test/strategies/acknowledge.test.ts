import { describe, expect, it } from 'vitest'
import { acknowledge, request } from '../../src/operations/request.ts'
import type { ReferenceTraits } from '../../src/testing/index.ts'
import { setDesk } from './desk.ts'
import { proveEnd } from './proof.ts'
import type { ServiceInstance } from './service.ts'
import { setStage, type Stage, type StageOptions } from './stage.ts'

const TAGGED: ReferenceTraits = { value: 'made', mint: 'adds', locate: 'tag', slots: 5, ends: ['off', 'gone'] }
const DAY = 86_400_000

/** A rotation that was published, and whose consumers were told. */
async function published(options: StageOptions = {}): Promise<{ readonly stage: Stage; readonly old: string; readonly one: ServiceInstance }> {
  const stage = await setStage(TAGGED, options)
  const old = stage.stored()
  await stage.open()
  await stage.dieAt('attest:0.0', 'before-intent')
  const one = stage.services['app']?.instances[0]
  if (one === undefined) throw new Error('no instance')
  return { stage, old, one }
}

const answerFor = (stage: Stage, ...what: string[]): Promise<void> => acknowledge(stage.engine, stage.rotation(), { what, reason: 'I looked' })
const ended = (stage: Stage): boolean => stage.server.received.some(({ operation }) => operation === 'off' || operation === 'gone')

describe('a person who answers for an instance (C-06, I6)', () => {
  it('that is gone for good: the others prove for themselves, and the receipt says who answered for it', async () => {
    const { stage, old } = await published()
    stage.services['app']?.instances.shift()
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'CONSUMER_MISSING', about: 'app-1 is not there' })
    await answerFor(stage, 'app-1')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    const receipt = stage.receipt()
    expect(receipt?.acknowledged).toMatchObject([{ what: 'app-1', by: 'somebody', reason: 'I looked' }])
    expect(receipt?.attested).toEqual({ 'service app': { 'app-2': 'challenge' } })
  })

  it('that was gone before it could be told: it is not waited for, nor brought back', async () => {
    const stage = await setStage(TAGGED)
    const old = stage.stored()
    await stage.open()
    await stage.dieAt('reload:0.0', 'before-intent')
    stage.services['app']?.instances.shift()
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'CONSUMER_MISSING' })
    await answerFor(stage, 'app-1')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    expect(stage.services['app']?.instances.map(({ name }) => name)).toEqual(['app-2'])
  })

  it('whose attestation broke after publishing: the receipt shows a word where the others show a proof', async () => {
    const { stage, old, one } = await published()
    one.proves = false
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'CONSUMER_STALE' })
    await answerFor(stage, 'app-1')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    expect(stage.receipt()?.attested).toEqual({ 'service app': { 'app-1': 'acknowledged', 'app-2': 'challenge' } })
    expect(stage.receipt()?.acknowledged).toHaveLength(1)
  })

  it('stands in for a proof and never against one: who proves to hold the old value holds the gate all the same', async () => {
    const { stage, old, one } = await published()
    one.proves = false
    await stage.on()
    await answerFor(stage, 'app-1')
    await stage.dieAt('gate:off', 'before-intent')
    Object.assign(one, { holds: old, proves: true })
    expect(await stage.on()).toMatchObject({ is: 'waiting', why: 'gate', about: expect.stringContaining('app-1 holds the old value') as string })
    expect(ended(stage)).toBe(false)
    expect(stage.server.keys.accepts(old)?.state).toBe('on')
    one.holds = stage.stored()
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
  })

  it('nor does it help where the instance proves the old value right after its reload', async () => {
    const { stage, old, one } = await published()
    one.holds = old
    await stage.on()
    await answerFor(stage, 'app-1')
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'CONSUMER_STALE' })
    expect(ended(stage)).toBe(false)
  })

  it('is for that one alone: another one that cannot prove it is a new trouble', async () => {
    const { stage, one } = await published()
    const other = stage.services['app']?.instances[1]
    one.proves = false
    await stage.on()
    await answerFor(stage, 'app-1')
    if (other !== undefined) other.proves = false
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'CONSUMER_STALE', about: expect.stringMatching(/^app-2/) as string })
  })
})

describe('a person who answers for the clock (I4)', () => {
  /** The grace ends by a clock that is a day and more ahead, and what comes after it is done on that clock. */
  async function ahead(step: string): Promise<{ readonly stage: Stage; readonly old: string; readonly right: number }> {
    const { stage, old } = await published({ secret: { grace: '1d' } })
    await stage.once()
    const right = stage.clock.now
    stage.clock.ahead = 40 * DAY
    stage.clock.now += stage.clock.ahead
    if (step !== 'watch') await stage.dieAt(step, 'before-intent')
    return { stage, old, right }
  }

  const correct = (stage: Stage): void => {
    stage.clock.now -= stage.clock.ahead
    stage.clock.ahead = 0
  }

  it('has a wait that was over only by the clock that was ahead waited for again, to its end', async () => {
    const { stage, old, right } = await ahead('gate:off')
    expect((await stage.progress()).done.has('grace')).toBe(true)
    correct(stage)
    await request(stage.engine, stage.rotation(), 'resume')
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'CLOCK_WRONG' })
    await answerFor(stage, 'clock')
    const stopped = await stage.once()
    expect(stopped).toMatchObject({ is: 'waiting', why: 'grace' })
    expect(ended(stage)).toBe(false)
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    const off = (await stage.events()).find((event) => event.type === 'intent-recorded' && event.step === 'off')
    expect((off?.at ?? 0) - right).toBeGreaterThanOrEqual(DAY - 1_000)
    expect(stage.server.keys.accepts(old)).toBeUndefined()
    expect(stage.receipt()?.acknowledged).toMatchObject([{ what: 'clock', by: 'somebody', reason: 'I looked' }])
  })

  it('has a wait that began on that clock begin anew, instead of being waited for until then', async () => {
    const { stage } = await published({ secret: { grace: '1d' } })
    stage.clock.ahead = 40 * DAY
    stage.clock.now += stage.clock.ahead
    expect(await stage.once()).toMatchObject({ is: 'waiting', why: 'grace' })
    correct(stage)
    expect(await stage.once()).toMatchObject({ is: 'person', code: 'CLOCK_WRONG' })
    await answerFor(stage, 'clock')
    const stopped = await stage.once()
    expect(stopped).toMatchObject({ is: 'waiting', why: 'grace', until: stage.clock.now + DAY })
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
  })

  it('lets the gate be opened by what is seen now: the attestations of a time that has not come yet do not hold it', async () => {
    const { stage, old } = await published({ secret: { grace: '0s' } })
    stage.clock.ahead = 40 * DAY
    stage.clock.now += stage.clock.ahead
    expect(await stage.on()).toMatchObject({ is: 'waiting', why: 'gate', about: expect.stringContaining('clock differs') as string })
    expect(ended(stage), 'by the issuer\'s clock it was seen').toBe(false)
    correct(stage)
    await request(stage.engine, stage.rotation(), 'resume')
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'CLOCK_WRONG' })
    await answerFor(stage, 'clock')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
  })
})

describe('a person who answers for usage', () => {
  const unseen: StageOptions = { issuer: (config) => {
    const list = Object(config['list']) as { item: Record<string, unknown> }
    return { ...config, list: { ...list, item: { ...list.item, lastUsed: undefined } } }
  } }

  it('lets the rotation go on where the issuer shows none; the receipt says so', async () => {
    const { stage, old } = await published(unseen)
    expect(await stage.on()).toMatchObject({ is: 'waiting', why: 'gate', about: expect.stringContaining('does not show who uses a credential') as string })
    expect(ended(stage)).toBe(false)
    await answerFor(stage, 'usage')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    expect(stage.receipt()?.acknowledged).toMatchObject([{ what: 'usage' }])
  })

  it('is not needed where the manifest does without', async () => {
    const { stage, old } = await published({ ...unseen, secret: { quiet: '0s' } })
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    expect(stage.receipt()?.acknowledged).toBeUndefined()
  })

  it('is not believed against a use that is seen', async () => {
    const { stage, old } = await published({ issuer: (config) => ({ ...config, list: { ...Object(config['list']), recent: '365d' } }) })
    const key = stage.server.keys.accepts(old)
    if (key !== undefined) key.lastUsed = stage.clock.now
    await stage.once()
    await answerFor(stage, 'usage')
    expect(await stage.on()).toMatchObject({ is: 'waiting', why: 'gate', about: expect.stringMatching(/uses \w+ \(1 session\)/) as string })
    expect(ended(stage)).toBe(false)
  })
})

describe('keyturn resume --acknowledge', () => {
  it('needs a rotation, a reason, and names that are known; else nothing is written (USAGE)', async () => {
    const desk = await setDesk(TAGGED)
    const rotation = await desk.ask('mint', { kind: 'prepare', title: 'Make room', steps: [] })
    const entries = (await desk.events()).length
    for (const [words, says] of [
      [['--acknowledge', 'usage', '--reason', 'x'], /needs the rotation/],
      [[rotation, '--acknowledge', 'usage'], /needs --reason/],
      [[rotation, '--acknowledge', 'usage', '--reason', ' '], /needs --reason/],
      [[rotation, '--acknowledge', 'usage', 'ghost', '--reason', 'x'], /no instance ghost to answer for/],
    ] as const) {
      const did = await desk.keyturn('resume', ...words)
      expect(did).toMatchObject({ exit: 2, err: expect.stringMatching(says) as string })
    }
    expect(await desk.events()).toHaveLength(entries)
    expect(await desk.keyturn('resume', rotation, '--acknowledge', 'usage', '--reason', 'nobody else has it', '--wait')).toMatchObject({ exit: 0 })
    expect((await desk.events()).find(({ type }) => type === 'acknowledged')).toMatchObject({ what: 'usage', reason: 'nobody else has it', by: expect.stringContaining('@') as string })
  })
})
