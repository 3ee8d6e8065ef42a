import { describe, expect, it } from 'vitest'
import { foldProgress } from '../../src/journal/progress.ts'
import { readEvents } from '../../src/journal/read.ts'
import { readLedger } from '../../src/state/ledger.ts'
import { referenceTraits, type ReferenceTraits, titleOf } from '../../src/testing/index.ts'
import { PLAIN } from '../../src/views/paint.ts'
import { planLines } from '../../src/views/plan.ts'
import { proveEnd, proveState } from './proof.ts'
import { SECRET, setStage, type Stage, type StageOptions } from './stage.ts'

type Case = readonly [title: string, traits: ReferenceTraits, options?: StageOptions]

/** Where what was in use before is off, still on, or a value that may be applied again. */
const CAN: readonly Case[] = [
  ['in place', { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }],
  ['a hard cut', { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }, { strategy: 'hard-cut' }],
  ['only off, a value that the provider made', { value: 'made', mint: 'adds', locate: 'tag', slots: 2, ends: ['off'] }],
  ['only off, with no way to find a lost mint', { value: 'made', mint: 'adds', locate: 'none', slots: 2, ends: ['off'] }],
  ['only off, a value that we chose', { value: 'chosen', mint: 'adds', locate: 'value', slots: 2, ends: ['off'] }],
  ['not ended at all', { value: 'made', mint: 'adds', locate: 'tag', slots: 2, ends: [] }],
]

async function done(traits: ReferenceTraits, options: StageOptions = {}): Promise<{ readonly stage: Stage; readonly first: string; readonly second: string; readonly rotation: string }> {
  const stage = await setStage(traits, options)
  const first = stage.stored()
  const rotation = await stage.open({ acceptImpact: true })
  expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
  return { stage, first, second: stage.stored(), rotation }
}

describe('a rotation that is done is taken back by one of its own, with old and new swapped (C-12, X-11, S1-57..S1-59)', () => {
  it.for(CAN)('%s', async ([, traits, options]) => {
    const { stage, first, second, rotation } = await done(traits, options)
    const back = await stage.takeBack()
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(stage.stored()).toBe(first)
    await proveEnd(stage, { result: 'done', old: second })
    await proveState(stage)
    const { plan } = await stage.progress()
    expect(plan.takesBack).toBe(rotation)
    expect(planLines(plan, PLAIN).join('\n')).toContain(`takes back    ${rotation}`)
    expect(stage.receipt()).toMatchObject({ takesBack: rotation, reason: `takes back ${rotation}` })
    // Nothing that could be turned on again was made anew: the provider was asked for one credential in all (I5).
    const asked = stage.server.received.filter(({ operation }) => operation === 'mint')
    expect(asked).toHaveLength(traits.mint === 'replaces' ? 2 : 1)
    expect(JSON.stringify(await stage.events())).not.toMatch(new RegExp(`${first}|${second}`))
    // And that one can be taken back as well.
    expect(back).not.toBe(rotation)
    await stage.takeBack()
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(stage.stored()).toBe(second)
  })

  it.for(CAN)('and is itself rolled back where it fails: %s', async ([, traits, options]) => {
    const { stage, first, second } = await done(traits, options)
    await stage.takeBack()
    await stage.dieAt('attest:0.0', 'before-intent')
    await stage.turn('abort')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    expect(stage.stored()).toBe(second)
    await proveEnd(stage, { result: 'rolled-back', old: second })
    expect(stage.server.keys.accepts(first) !== undefined).toBe(traits.ends.length === 0 && traits.mint === 'adds')
  })

  it.for(CAN.slice(2, 5))('turns nothing on again when it was asked to go back before that: %s', async ([, traits, options]) => {
    const { stage, second } = await done(traits, options)
    await stage.takeBack()
    await stage.dieAt('restore', 'before-intent')
    const before = stage.server.received.length
    await stage.turn('abort')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    expect(stage.server.received.slice(before).filter(({ operation }) => ['mint', 'on', 'off', 'gone'].includes(operation))).toEqual([])
    expect(stage.stored()).toBe(second)
  })
})

describe('it is refused, with the way forward, once there is no way back', () => {
  // How a lost mint is found again makes no difference here.
  const gone = referenceTraits.filter(({ ends, locate, slots }) => ends.includes('gone') && locate !== 'baseline' && locate !== 'none' && slots === 2).map((traits) => [titleOf(traits), traits] as const)
  it.for(gone)('the old one is gone: %s', async ([, traits]) => {
    const { stage, second } = await done(traits)
    const refused = { code: 'NOT_NOW', hint: `The way is forward: \`keyturn rotate ${SECRET}\` puts a new one in its place.` }
    await expect(stage.takeBack()).rejects.toMatchObject({ ...refused, about: expect.stringMatching(/is gone at the provider|in its own way, and only forward/) })
    expect(stage.stored()).toBe(second)
    const rows = await stage.engine.state.db.selectFrom('rotation').select('id').execute()
    expect(rows, 'nothing was opened').toHaveLength(1)
  })

  it('the provider has ended it since, whatever the ledger says', async () => {
    const { stage, first } = await done({ value: 'made', mint: 'adds', locate: 'tag', slots: 2, ends: ['off'] })
    for (const { id, value } of stage.server.keys.of('atlas')) if (value === first) stage.server.keys.remove('atlas', id)
    await expect(stage.takeBack()).rejects.toMatchObject({ code: 'NOT_NOW', about: expect.stringMatching(/is gone at the provider/) })
  })

  it('nobody can make the old one again', async () => {
    const { stage } = await done({ value: 'made', mint: 'replaces', locate: 'tag', slots: 1, ends: [] })
    await expect(stage.takeBack()).rejects.toMatchObject({ code: 'NOT_NOW', about: expect.stringMatching(/nobody can make the old one again/) })
  })

  it('its value is held nowhere: no snapshot was taken, and no rotation was before it', async () => {
    const { stage } = await done({ value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }, { secret: { snapshots: '0s' } })
    await expect(stage.takeBack()).rejects.toMatchObject({ code: 'NOT_NOW', about: expect.stringMatching(/held nowhere any more/) })
  })

  it('another one was done after it, or has taken it back, or is open', async () => {
    const { stage, rotation: one } = await done({ value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] })
    const taking = await stage.takeBack()
    await expect(stage.takeBack()).rejects.toMatchObject({ code: 'ROTATION_OPEN', about: taking })
    await stage.on()
    await expect(stage.takeBack(one)).rejects.toMatchObject({ code: 'NOT_NOW', about: `it was taken back by ${taking}` })
    stage.clock.now += 1_000
    const three = await stage.open()
    await stage.on()
    await expect(stage.takeBack(taking)).rejects.toMatchObject({ code: 'NOT_NOW', about: `${three} was done after it` })
  })

  it('somebody has changed the value since', async () => {
    const { stage } = await done({ value: 'made', mint: 'adds', locate: 'tag', slots: 3, ends: ['off'] })
    stage.put(stage.server.make().fields['token']?.reveal() ?? '')
    await expect(stage.takeBack()).rejects.toMatchObject({ code: 'WORLD_MOVED' })
  })
})

describe('the ledger after it', () => {
  it('has one in use, and the one that was taken back as ended', async () => {
    const { stage } = await done({ value: 'made', mint: 'adds', locate: 'tag', slots: 2, ends: ['off'] })
    await stage.takeBack()
    await stage.on()
    const ledger = await readLedger(stage.engine.state.db, `strategies/staging/${SECRET}`)
    expect(ledger.map(({ state }) => state).toSorted()).toEqual(['off', 'presented'])
    const { plan } = foldProgress((await readEvents(stage.engine, stage.rotation())).events)
    expect(ledger.find(({ state }) => state === 'presented')?.provider_id).toBe(plan.next?.id)
  })
})
