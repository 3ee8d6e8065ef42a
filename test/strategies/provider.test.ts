import { describe, expect, it } from 'vitest'
import { request } from '../../src/operations/request.ts'
import type { ReferenceTraits } from '../../src/testing/index.ts'
import { statusOf } from '../../src/views/status.ts'
import { findRotation } from '../../src/state/rotation.ts'
import { proveEnd } from './proof.ts'
import { setStage, type Stage } from './stage.ts'

const managed = (slots: number, ends: ReferenceTraits['ends'] = []): ReferenceTraits => ({ value: 'made', mint: 'triggers', locate: 'tag', slots, ends })
const BOTH = [['one slot', managed(1)], ['two slots', managed(2, ['off', 'gone'])]] as const

const triggers = (stage: Stage): readonly unknown[] => stage.server.received.filter(({ operation }) => operation === 'rotate').map(({ body }) => JSON.parse(body))

describe('a rotation that the provider carries out', () => {
  it.for(BOTH)('is started once, however often its trigger got no answer: each repeats the same tag (X-05; %s)', async ([, traits]) => {
    const stage = await setStage(traits)
    const old = stage.stored()
    await stage.open()
    stage.server.arm('answer-lost', { on: 'rotate' })
    stage.server.arm('error-before', { on: 'rotate' })
    stage.server.arm('error-after', { on: 'rotate' })
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    expect(triggers(stage)).toHaveLength(4)
    expect(new Set(triggers(stage).map((body) => JSON.stringify(body))).size).toBe(1)
  })

  it.for(BOTH)('is waited for while the provider works, and nothing is published before it has come (%s)', async ([, traits]) => {
    const stage = await setStage(traits, { secret: { ready: '60s' } })
    const old = stage.stored()
    stage.server.keys.patience = 5
    await stage.open()
    const stopped = await stage.once()
    expect(stopped).toMatchObject({ is: 'waiting', why: 'provider', about: 'the provider has not finished its rotation' })
    const row = await findRotation(stage.engine.state.db, stage.rotation())
    expect(statusOf(row, await stage.progress(), stage.clock.now, () => false)).toMatchObject({ state: 'waiting', step: 'collect' })
    expect(stage.stored()).toBe(old)
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    const looks = stage.server.received.filter(({ operation }) => operation === 'collect')
    expect(looks).toHaveLength(6)
  })

  it.for(BOTH)('that is stuck becomes a person\'s matter, and goes on after a resume when it has come (%s)', async ([, traits]) => {
    const stage = await setStage(traits)
    const old = stage.stored()
    stage.server.keys.patience = Infinity
    await stage.open()
    expect(await stage.on()).toMatchObject({ is: 'person', task: false, code: 'DEADLINE', about: expect.stringMatching(/has not finished its rotation for \d+ s/) as string })
    expect(stage.stored()).toBe(old)
    expect(stage.server.keys.accepts(old)?.state).toBe('on')
    stage.server.keys.patience = 0
    await request(stage.engine, stage.rotation(), 'resume')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
  })

  it.for(BOTH)('is collected by whoever comes next, when a run dies between trigger and collecting (%s)', async ([, traits]) => {
    const stage = await setStage(traits)
    const old = stage.stored()
    await stage.open()
    await stage.dieAt('mint', 'after-outcome')
    await stage.dieAt('collect', 'after-effect')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    expect(triggers(stage)).toHaveLength(1)
  })

  it.for(BOTH)('is not over while the provider still shows the credential that is in use (I4; %s)', async ([, traits]) => {
    const answer = { id: 'key.id', fields: { token: 'key.token' } }
    const stage = await setStage(traits, { issuer: (config) => ({ ...config, collect: { url: `${new URL(String(Object(config['collect'])['url'])).origin}/owners/atlas/rotations/first`, headers: { 'X-Tag': '{tag}' }, answer } }) })
    // What the first rotation brought is what is in use; the second one shows it for ever.
    stage.server.keys.patience = 0
    stage.server.keys.rotate('atlas', 'first')
    const first = stage.server.keys.collect('atlas', 'first')
    if (typeof first === 'string') throw new Error(first)
    stage.put(first.value)
    if (traits.slots > 1) for (const { id } of stage.server.keys.of('atlas')) if (id !== first.id) stage.server.keys.remove('atlas', id)
    await stage.open()
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'DEADLINE' })
    expect(stage.stored()).toBe(first.value)
    expect(stage.server.keys.accepts(first.value)?.state).toBe('on')
  })
})

describe('with one slot', () => {
  it('what fails after the trigger waits for a person: the old value may be dead, and nobody can make it again (I9)', async () => {
    const stage = await setStage(managed(1))
    const old = stage.stored()
    await stage.open()
    await stage.dieAt('reload:0.0', 'before-intent')
    for (const one of stage.services['app']?.instances ?? []) one.proves = false
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'CONSUMER_STALE' })
    expect(await stage.progress()).toMatchObject({ direction: 'forward' })
    await expect(stage.turn('abort')).rejects.toMatchObject({ code: 'NOT_NOW', about: expect.stringMatching(/nobody can make it again/) as string })
    for (const one of stage.services['app']?.instances ?? []) one.proves = true
    await request(stage.engine, stage.rotation(), 'resume')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    expect(stage.receipt()?.gapMs).toBeGreaterThan(0)
  })

  it('a trigger that is refused has done nothing: it goes back, without a receipt (I2)', async () => {
    const stage = await setStage(managed(1), { issuer: (config) => ({ ...config, refusals: [{ status: 429, code: 'RIGHTS_MISSING' }] }) })
    const old = stage.stored()
    await stage.open()
    stage.server.arm('rate-limited', { on: 'rotate' })
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back', code: 'RIGHTS_MISSING' })
    await proveEnd(stage, { result: 'rolled-back', old })
  })

  it('says so before it begins: one way from the trigger on, and a gap', async () => {
    const { summary } = await (await setStage(managed(1))).plan()
    expect(summary).toMatchObject({ pointOfNoReturn: 'mint', slots: { needed: 1, has: 1 } })
    expect(summary.gap).toBeGreaterThan(0)
  })
})

describe('with two slots', () => {
  it.for([[['off', 'gone']], [['gone']], [[]]] as const)('there is a way back by publishing the old one; ends %s', async ([ends]) => {
    const stage = await setStage(managed(2, ends))
    const old = stage.stored()
    await stage.open()
    await stage.dieAt('attest:0.0', 'before-intent')
    await stage.turn('abort')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    await proveEnd(stage, { result: 'rolled-back', old })
  })

  it('an abort while the provider still works takes what it brings all the same, and ends it: else nobody knew it (I3)', async () => {
    const stage = await setStage(managed(2, ['off', 'gone']), { secret: { ready: '60s' } })
    const old = stage.stored()
    stage.server.keys.patience = 4
    await stage.open()
    expect(await stage.once()).toMatchObject({ why: 'provider' })
    await stage.turn('abort')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    await proveEnd(stage, { result: 'rolled-back', old })
    expect(stage.services['app']?.reloads, 'nobody was told of anything').toEqual([])
    expect((await stage.events()).some((event) => event.type === 'step-done' && event.step === 'back:collect')).toBe(true)
  })

  it('an abort after a trigger that the provider never saw has nothing to take', async () => {
    const stage = await setStage(managed(2, ['off', 'gone']))
    const old = stage.stored()
    await stage.open()
    await stage.dieAt('mint', 'after-intent')
    await stage.turn('abort')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    await proveEnd(stage, { result: 'rolled-back', old })
    expect(triggers(stage)).toEqual([])
  })
})
