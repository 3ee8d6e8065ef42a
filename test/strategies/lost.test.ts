import { describe, expect, it } from 'vitest'
import { answerTask, declineTask } from '../../src/operations/answer.ts'
import { request } from '../../src/operations/request.ts'
import type { ReferenceTraits } from '../../src/testing/index.ts'
import { proveEnd } from './proof.ts'
import { setStage, type Stage } from './stage.ts'

const made = (locate: 'tag' | 'baseline' | 'none', slots = 5, ends: ReferenceTraits['ends'] = ['off', 'gone']): ReferenceTraits => ({ value: 'made', mint: 'adds', locate, slots, ends })

const idsOf = (stage: Stage): string[] => stage.server.keys.of('atlas').map(({ id }) => id)

/** A rotation of which so many answers to a mint get lost; the keys are made. */
async function lose(traits: ReferenceTraits, times = 1, options: Parameters<typeof setStage>[1] = {}): Promise<{ readonly stage: Stage; readonly old: string; readonly first: string }> {
  const stage = await setStage(traits, options)
  const [old, [first = '']] = [stage.stored(), idsOf(stage)]
  await stage.open()
  stage.server.arm('answer-lost', { on: 'mint', times })
  return { stage, old, first }
}

const mints = (stage: Stage): number => stage.server.received.filter(({ operation }) => operation === 'mint').length
const endings = (stage: Stage): string[] => stage.server.received.filter(({ operation }) => operation === 'gone' || operation === 'off').map(({ operation, path }) => `${operation} ${path.split('/')[4] ?? ''}`)

describe('a mint whose answer was lost, found by its tag (I3, PEERS: crash between mint and store)', () => {
  it.for([2, 5])('is ended, and a second one works, with %i slots', async (slots) => {
    const { stage, old } = await lose(made('tag', slots))
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    expect(mints(stage)).toBe(2)
    const { done, lost } = await stage.progress()
    expect(lost.get('mint')).toBe(1)
    expect(done.get('reclaim')?.evidence).toEqual({ reclaimed: 1 })
    expect(done.get('reclaim:end')?.evidence).toEqual({ reclaimed: 0 })
  })

  it('carries a tag for each attempt, and the journal knows each before it is sent', async () => {
    const { stage } = await lose(made('tag'))
    await stage.on()
    const sent = stage.server.received.filter(({ operation }) => operation === 'mint').map(({ body }) => (JSON.parse(body) as { tag: string }).tag)
    const intended = (await stage.events()).flatMap((event) => (event.type === 'intent-recorded' && event.step === 'mint' ? [event.tag] : []))
    expect(sent).toEqual(intended)
    expect(new Set(sent).size).toBe(2)
  })

  it('is not asked for a second time before the first can no longer land, nor a third time: it goes back, and what was made is ended (I4)', async () => {
    const { stage, old, first } = await lose(made('tag'), 2)
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back', about: 'two mints got no answer' })
    await proveEnd(stage, { result: 'rolled-back', old })
    expect(idsOf(stage)).toEqual([first])
    const intents = (await stage.events()).filter((event) => event.type === 'intent-recorded' && event.step === 'mint')
    expect(intents).toHaveLength(2)
    const [one, two] = intents
    if (one?.type === 'intent-recorded') expect(two?.at).toBeGreaterThanOrEqual(one.deadline + 1_000)
  })

  it('that lands late, after it was looked for, is found by the last look', async () => {
    const { stage, old } = await lose(made('tag'), 0)
    stage.server.arm('cut', { on: 'mint' })
    await stage.dieAt('reclaim', 'after-outcome')
    const late = (await stage.events()).flatMap((event) => (event.type === 'intent-recorded' && event.step === 'mint' ? [event.tag] : []))[0]
    stage.server.keys.mint('atlas', late)
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    const { done } = await stage.progress()
    expect([done.get('reclaim')?.evidence, done.get('reclaim:end')?.evidence]).toEqual([{ reclaimed: 0 }, { reclaimed: 1 }])
  })

  it('and a request that arrived twice leaves nothing either (X-05)', async () => {
    const { stage, old } = await lose(made('tag'), 0)
    stage.server.arm('duplicate', { on: 'mint' })
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    expect((await stage.progress()).done.get('reclaim:end')?.evidence).toEqual({ reclaimed: 1 })
  })

  it('of others nothing is ended, whenever they were made and whatever their tags are (I5)', async () => {
    const { stage, old } = await lose(made('tag', 9))
    const others = [stage.server.make().id]
    await stage.dieAt('mint', 'after-effect')
    for (const tag of [undefined, 'kt-mail-20200101-aaaaaa-mint-1', `kt-${stage.rotation()}x-mint-1`]) {
      const key = stage.server.keys.mint('atlas', tag)
      if (key !== 'full') others.push(key.id)
    }
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old, others })
    expect(idsOf(stage)).toEqual(expect.arrayContaining(others))
  })

  it('is handed to a person where nothing ends a credential on request, who is believed only once it is gone', async () => {
    const { stage } = await lose(made('tag', 5, []))
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    const { asked } = await stage.progress()
    const [orphan] = stage.server.keys.of('atlas').filter(({ tag }) => tag !== undefined)
    expect(asked?.task).toMatchObject({ kind: 'prepare', title: `End ${orphan?.id}, which a lost request of this rotation made` })
    await answerTask(stage.engine, stage.rotation())
    expect(await stage.on(), 'it is still there').toMatchObject({ is: 'person', task: true })
    stage.server.keys.remove('atlas', orphan?.id ?? '')
    await answerTask(stage.engine, stage.rotation())
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
  })
})

describe('a mint whose answer was lost, where the list lags', () => {
  it('is found by the last look when it was not shown to the first', async () => {
    const { stage, old } = await lose(made('tag'), 0)
    stage.server.keys.lag = 3
    stage.server.arm('answer-lost', { on: 'mint' })
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    const { done } = await stage.progress()
    expect([done.get('reclaim')?.evidence, done.get('reclaim:end')?.evidence]).toEqual([{ reclaimed: 0 }, { reclaimed: 1 }])
  })

  it('is waited for: a list without the credential in use shows how it was before, and nothing is concluded from it', async () => {
    const { stage, old } = await lose(made('tag'), 0)
    await stage.dieAt('mint', 'before-intent')
    stage.server.keys.lag = 12
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    const troubles = (await stage.events()).filter((event) => event.type === 'step-unknown' && event.step === 'reclaim:end')
    expect(troubles.length).toBeGreaterThan(0)
  })
})

describe('a mint whose answer was lost, at a provider that keeps no tags though it was said to', () => {
  it('is asked about before the receipt: nothing is ended, and nothing is called clean', async () => {
    const { stage, old } = await lose(made('tag'), 0)
    stage.server.keys.untagged = true
    stage.server.arm('answer-lost', { on: 'mint' })
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    const { asked, done } = await stage.progress()
    const known = new Set([stage.server.keys.accepts(stage.stored())?.id, stage.server.keys.accepts(old)?.id])
    const [orphan] = idsOf(stage).filter((id) => !known.has(id))
    expect(asked).toMatchObject({ step: 'reclaim:end', task: { kind: 'confirm', title: expect.stringContaining(orphan ?? '?') as string } })
    expect(done.has('receipt')).toBe(false)
    expect(endings(stage)).not.toContain(`gone ${orphan}`)
    stage.server.keys.remove('atlas', orphan ?? '')
    await answerTask(stage.engine, stage.rotation())
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
  })

  it('and fills the last slot: it goes back, and a person is asked on the way', async () => {
    const { stage, old, first } = await lose(made('tag', 2), 0)
    stage.server.keys.untagged = true
    stage.server.arm('answer-lost', { on: 'mint' })
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    expect(await stage.progress()).toMatchObject({ direction: 'back', turned: { code: 'SLOTS_FULL' }, asked: { step: 'back:reclaim:end' } })
    for (const id of idsOf(stage)) if (id !== first) stage.server.keys.remove('atlas', id)
    await answerTask(stage.engine, stage.rotation())
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back', code: 'SLOTS_FULL' })
    await proveEnd(stage, { result: 'rolled-back', old })
  })
})

describe('a mint whose answer was lost, found by what was not there before', () => {
  it('is only suspected: a task names it, a person decides, and the rotation goes on (I3, I5)', async () => {
    const { stage, old } = await lose(made('baseline', 9), 0)
    const before = stage.server.make().id
    await stage.dieAt('preflight', 'after-outcome')
    stage.server.arm('answer-lost', { on: 'mint' })
    await stage.dieAt('reclaim', 'before-intent')
    const orphan = idsOf(stage).at(-1) ?? ''
    const stranger = stage.server.make().id
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    const { task } = (await stage.progress()).asked ?? {}
    expect(task).toMatchObject({ kind: 'confirm', title: expect.stringContaining(orphan) as string })
    expect(task?.title).toContain(stranger)
    expect(task?.title).not.toContain(before)
    expect(await stage.on(), 'it does not go on by itself').toMatchObject({ is: 'person' })
    expect(mints(stage)).toBe(1)
    stage.server.keys.remove('atlas', orphan)
    await answerTask(stage.engine, stage.rotation())
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old, others: [before, stranger] })
    const ended = endings(stage).map((ending) => ending.split(' ')[1])
    for (const id of [before, stranger, orphan]) expect(ended).not.toContain(id)
    expect((await stage.events()).find((event) => event.type === 'task-answered')).toMatchObject({ step: 'reclaim', by: 'somebody' })
  })

  it('is nobody\'s matter when nothing came of it', async () => {
    const { stage, old } = await lose(made('baseline'), 0)
    stage.server.arm('cut', { on: 'mint' })
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
  })

  it('twice goes back, and asks on the way who made what is new', async () => {
    const { stage, old, first } = await lose(made('baseline'), 2)
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    await answerTask(stage.engine, stage.rotation())
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    expect(await stage.progress()).toMatchObject({ direction: 'back', asked: { step: 'back:reclaim:end' } })
    for (const id of idsOf(stage)) if (id !== first) stage.server.keys.remove('atlas', id)
    await answerTask(stage.engine, stage.rotation())
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    await proveEnd(stage, { result: 'rolled-back', old })
  })

  it('refuses to begin where the list is not whole: what is new could not be told', async () => {
    const stage = await setStage(made('baseline'), { issuer: (config) => ({ ...config, list: { ...Object(config['list']), complete: { more: true } }, off: undefined, on: undefined, gone: undefined }) })
    await stage.open()
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'refused', code: 'PRECONDITION_FAILED' })
    expect(mints(stage)).toBe(0)
  })
})

describe('a mint whose answer was lost, where nothing can be listed', () => {
  it('is a task: a person looks, and the rotation goes on', async () => {
    const { stage, old, first } = await lose(made('none', 5, []))
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    expect((await stage.progress()).asked?.task).toMatchObject({ kind: 'confirm', title: expect.stringMatching(/^Find out whether a lost request made a credential for mail/) as string })
    expect(mints(stage)).toBe(1)
    for (const id of idsOf(stage)) if (id !== first) stage.server.keys.remove('atlas', id)
    await answerTask(stage.engine, stage.rotation())
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
  })

  it('and a person who declines is asked again after a resume; an abort goes back', async () => {
    const { stage, old, first } = await lose(made('none'))
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    await declineTask(stage.engine, stage.rotation(), 'I may not look there')
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'DECLINED', task: false, about: 'I may not look there' })
    await request(stage.engine, stage.rotation(), 'resume')
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    await stage.turn('abort')
    expect(await stage.on()).toMatchObject({ is: 'person', task: true })
    expect(await stage.progress()).toMatchObject({ direction: 'back', asked: { step: 'back:reclaim:end' } })
    for (const id of idsOf(stage)) if (id !== first) stage.server.keys.remove('atlas', id)
    await answerTask(stage.engine, stage.rotation())
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    await proveEnd(stage, { result: 'rolled-back', old })
  })
})

describe('a mint whose answer was lost, in the one slot', () => {
  it.for(['tag', 'baseline', 'none'] as const)('took the old value along: it is asked for again, and there is no way back (%s)', async (locate) => {
    const { stage, old } = await lose({ value: 'made', mint: 'replaces', locate, slots: 1, ends: [] })
    await stage.dieAt('mint', 'after-effect')
    expect(stage.server.keys.accepts(old)).toBeUndefined()
    await expect(stage.turn('abort')).rejects.toMatchObject({ code: 'NOT_NOW' })
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    expect(mints(stage)).toBe(2)
  })

  it.for(['value', 'adds'] as const)('of a value that we chose is the same value again (%s)', async (way) => {
    const traits: ReferenceTraits = way === 'value' ? { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] } : { value: 'chosen', mint: 'adds', locate: 'value', slots: 2, ends: ['off', 'gone'] }
    const { stage, old } = await lose(traits)
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    expect(mints(stage)).toBe(1)
  })
})

describe('a provider that brings the credential that is in use', () => {
  it('is not believed: ending the old one would end the one that works (I4)', async () => {
    // An idempotency key that the provider keeps too long, or a POST that answers with what is there.
    const stage = await setStage(made('tag'), { issuer: (config) => ({ ...config, mint: { ...Object(config['mint']), headers: { 'Idempotency-Key': 'always' } } }) })
    const old = stage.stored()
    await stage.open()
    await stage.on()
    await proveEnd(stage, { result: 'done', old })
    const second = stage.stored()
    await stage.open()
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'RESPONSE_UNFIT' })
    expect(stage.server.keys.accepts(second)?.state).toBe('on')
    expect(stage.stored()).toBe(second)
  })
})
