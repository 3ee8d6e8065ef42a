import { describe, expect, it } from 'vitest'
import { ALNUM, generate } from '../../src/kit/index.ts'
import { CONSOLE, personIssuer, sitDown } from './console.ts'

describe('a provider without an API', () => {
  it('is rotated by tasks alone: asked, answered, proven on both sides, and the receipt says who did what (S2-102, S2-107, S1-53, G-12, C-04, I8, I11)', async () => {
    const person = await sitDown()
    const { desk, answer, asked } = person
    const before = person.token()
    const old = desk.server.keys.of('atlas')[0]?.id ?? ''

    expect(await person.rotate()).toMatchObject({ exit: 4, out: expect.stringContaining('Asked: Make the key of mail anew') as string })
    const shown = (await person.keyturn('task', 'show', 'mail')).out
    for (const text of ['1. Open https://console.example/keys.', 'kt-mail-', 'Answer with token']) expect(shown).toContain(text)
    const made = person.make()
    expect(await answer(`${made.token}\n`)).toMatchObject({ exit: 4, out: expect.stringContaining('Asked: Redeploy storefront at https://console.example/deploys') as string })
    expect(person.token()).toBe(made.token)

    expect(await answer()).toMatchObject({ exit: 4, out: expect.stringContaining('Asked: The storefront sends a mail') as string })
    expect(await answer()).toMatchObject({ exit: 4, out: expect.stringContaining(`Asked: See that nobody uses ${old}`) as string })
    expect((await person.keyturn('task', 'show', 'mail')).out).toMatch(/was last used: not after 20\d\d-/)
    expect(await answer()).toMatchObject({ exit: 4, out: expect.stringContaining(`Asked: End ${old}`) as string })

    expect(await person.keyturn('task', 'decline', 'mail', '--reason', 'not before the audit')).toMatchObject({ exit: 6, out: expect.stringContaining('not before the audit') as string })
    expect(desk.server.keys.accepts(before)?.id).toBe(old)
    expect(await person.keyturn('resume', await desk.rotation(), '--wait')).toMatchObject({ exit: 4 })
    expect(await asked()).toBe('gone end')
    person.end(old)
    expect(await answer()).toMatchObject({ exit: 0 })

    const receipt = await person.receipt()
    expect(receipt).toMatchObject({ result: 'done', inUse: { id: made.id }, ended: { id: old }, proof: { new: 'accepted', old: 'rejected' } })
    expect(receipt.answered?.map(({ step, kind }) => `${step} ${kind}`)).toEqual(['mint mint', 'reload:0.0 confirm', 'check:0 confirm', 'watch confirm', 'gone end'])
    expect(receipt.answered?.every(({ by, at }) => by.includes('@') && at.endsWith('Z'))).toBe(true)
    expect((await desk.events()).find(({ type }) => type === 'task-declined')).toMatchObject({ step: 'gone', reason: 'not before the audit' })
    expect(person.leaks([before, made.token])).toEqual([])
  })

  it('a word alone ends nothing: one who says that it is ended while it is not is told so at once (I8, S2-107)', async () => {
    const person = await sitDown({ secret: { consumers: [], checks: [], quiet: { for: '60ms', every: '20ms' } } })
    const before = person.token()
    await person.rotate()
    await person.answer(person.make().token)
    await person.answer()
    expect(await person.asked()).toBe('gone end')
    const entries = (await person.desk.events()).length
    expect(await person.answer()).toMatchObject({ exit: 3, err: expect.stringMatching(/still accepts \w+/) as string })
    expect(await person.desk.events(), 'nothing is written').toHaveLength(entries)
    person.end(person.desk.server.keys.accepts(before)?.id ?? '')
    expect(await person.answer()).toMatchObject({ exit: 0 })
  })

  const wrongs: readonly (readonly [title: string, value: (made: string, before: string) => string, says: RegExp])[] = [
    ['nothing', () => '\n', /token is empty/],
    ['the one in use', (_, before) => before, /in use already/],
    ['one that the provider rejects', (made) => made.replace(/.{4}$/, 'Zz09'), /rejects it \(401\)/],
    ['one that is no key of it', () => generate(ALNUM, 40), /another principal/],
  ]
  it.for(wrongs)('is not rotated to a wrong value: %s is refused at once, and nothing is written', async ([, value, says]) => {
    const person = await sitDown()
    const before = person.token()
    await person.rotate()
    const entries = (await person.desk.events()).length
    const made = person.make()
    const given = value(made.token, before)
    expect(await person.answer(given)).toMatchObject({ exit: 3, err: expect.stringMatching(says) as string })
    expect(person.said()).toContain('TASK_UNFIT')
    expect(await person.desk.events()).toHaveLength(entries)
    expect(person.token()).toBe(before)
    expect(person.leaks([before, made.token, given.trim()].filter((text) => text !== ''))).toEqual([])
    expect(await person.answer(made.token), 'the task is still there').toMatchObject({ exit: 4 })
  })

  it('that was typed where it is shown is refused, before anybody reads it (I11)', async () => {
    const person = await sitDown({
      issuer: (config) => ({ ...personIssuer(config), id: 'label', fields: { label: 'plain', token: 'secret' } }),
      file: (token) => ({ text: `TOKEN=${token}\nTOKEN_NAME=first\n`, bind: { TOKEN: '{token}', TOKEN_NAME: '{label}' } }),
    })
    await person.rotate()
    const { token } = person.make()
    expect(await person.answer(JSON.stringify({ label: token, token }))).toMatchObject({ exit: 3, err: expect.stringContaining('label holds what belongs into token') as string })
    expect(person.leaks([token])).toEqual([])
    expect(await person.answer(JSON.stringify({ label: 'second', token }))).toMatchObject({ exit: 4 })
    expect(person.desk.stored()).toBe(`TOKEN=${token}\nTOKEN_NAME=second\n`)
  })

  it('without a probe is rotated too: people are the only proof, and the receipt claims no other (I8)', async () => {
    const person = await sitDown({ issuer: (config) => ({ ...personIssuer(config), probe: undefined }) })
    await person.rotate()
    await person.answer(person.make().token)
    for (const wanted of ['reload:0.0 confirm', 'check:0 confirm', 'watch confirm', 'gone end']) {
      expect(await person.asked()).toBe(wanted)
      await person.answer()
    }
    expect(await person.receipt()).toMatchObject({ result: 'done', proof: {}, answered: expect.arrayContaining([expect.objectContaining({ step: 'gone' })]) as unknown })
  })

  it('with one slot: the new one ends the old one, and nobody is asked to end it (S2-84, S1-64)', async () => {
    const one = { value: 'made', mint: 'replaces', locate: 'none', slots: 1, ends: [] } as const
    const person = await sitDown({ issuer: (config) => ({ ...personIssuer(config), strategy: 'in-place', id: undefined }) }, one)
    const before = person.token()
    await person.rotate()
    expect((await person.keyturn('task', 'show', 'mail')).out).toContain('the new one ends the one in use')
    await person.answer(person.make().token)
    await person.answer()
    expect(await person.answer()).toMatchObject({ exit: 0 })
    const receipt = await person.receipt()
    expect(receipt.proof).toMatchObject({ new: 'accepted', old: 'rejected' })
    expect(receipt.gapMs).toBeGreaterThan(0)
    expect(person.leaks([before])).toEqual([])
  })

  it('that was aborted after publishing is taken back by tasks as well (C-08)', async () => {
    const person = await sitDown()
    const before = person.token()
    await person.rotate()
    const made = person.make()
    await person.answer(made.token)
    expect(await person.keyturn('abort', await person.desk.rotation(), '--wait')).toMatchObject({ exit: 4 })
    expect(person.token()).toBe(before)
    for (const wanted of ['back:reload:0.0 confirm', 'back:check:0 confirm', 'back:watch:new confirm']) {
      expect(await person.asked()).toBe(wanted)
      await person.answer()
    }
    expect(await person.asked()).toBe('back:gone:new end')
    person.end(made.id)
    expect(await person.answer()).toMatchObject({ exit: 5 })
    expect(await person.receipt()).toMatchObject({ result: 'rolled-back', ended: { id: made.id }, proof: { old: 'accepted', new: 'rejected' } })
  })
})

describe('a provider with an API for some requests only (C-04, S3-39, S3-43, S2-15)', () => {
  const ASK = { ask: { steps: ['End {id} in the console.'] } }

  it('makes keys by its API, and a person ends the old one', async () => {
    const person = await sitDown({ issuer: (config) => ({ ...config, gone: ASK }), secret: { consumers: [], checks: [] } }, CONSOLE)
    const before = person.token()
    const old = person.desk.server.keys.accepts(before)?.id ?? ''
    expect(await person.rotate()).toMatchObject({ exit: 4 })
    expect(await person.asked()).toBe('watch confirm')
    await person.answer()
    expect((await person.keyturn('task', 'show', 'mail')).out).toContain(`End ${old} in the console.`)
    person.end(old)
    expect(await person.answer()).toMatchObject({ exit: 0 })
    expect((await person.receipt()).proof).toMatchObject({ new: 'accepted', old: 'rejected' })
    expect(person.leaks([before, person.token()])).toEqual([])
  })

  it('lists and ends keys by its API, and a person makes the new one: who uses the old one is seen, not asked', async () => {
    const traits = { value: 'made', mint: 'adds', locate: 'tag', slots: 5, ends: ['off', 'gone'] } as const
    const person = await sitDown({
      issuer: (config) => ({ ...config, mint: { ask: { steps: ['Make a key called {tag}.'], due: '2h' } } }),
      secret: { consumers: [], checks: [] },
    }, traits)
    const before = person.token()
    await person.rotate()
    const [, tag = ''] = /called (kt-[\w-]+)\./.exec((await person.keyturn('task', 'show', 'mail')).out) ?? []
    const made = person.desk.server.keys.mint('atlas', tag)
    const token = made === 'full' ? '' : made.value
    expect(await person.answer(token)).toMatchObject({ exit: 0 })
    expect(person.desk.server.keys.of('atlas').map(({ value }) => value)).toEqual([token])
    expect(person.leaks([before, token])).toEqual([])
  })
})
