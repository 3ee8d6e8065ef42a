import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ALNUM, generate, type TaskRequest } from '../../src/kit/index.ts'
import { type Receipt, type SignedReceipt, verifyReceipt } from '../../src/proof/receipt.ts'
import type { ReferenceTraits } from '../../src/testing/index.ts'
import { until } from '../servers/postgres.ts'
import { type Desk, type DeskOptions, type Did, setDesk } from './desk.ts'

const TAGGED: ReferenceTraits = { value: 'made', mint: 'adds', locate: 'tag', slots: 5, ends: ['off', 'gone'] }
const UNSEEN: ReferenceTraits = { value: 'made', mint: 'adds', locate: 'none', slots: 5, ends: [] }

const MINT: TaskRequest = { kind: 'mint', title: 'Make a key for mail in the console', steps: ['Open the console.', 'Make a key.'] }

/** An issuer whose keys have two fields: `id` and `token`. */
const TWO_FIELDS: DeskOptions = {
  issuer: (config) => ({ ...config, id: undefined, fields: { id: 'plain', token: 'secret' } }),
  file: (token, id) => ({ text: `KEY_ID=${id}\nTOKEN=${token}\n`, bind: { KEY_ID: '{id}', TOKEN: '{token}' } }),
}

/** Answers with this text in a file, as a person does who copied it there. */
async function answerWith(desk: Desk, rotation: string, text: string): Promise<Did> {
  writeFileSync(join(desk.folder, 'value'), text, { mode: 0o600 })
  return desk.keyturn('task', 'answer', rotation, '--file', join(desk.folder, 'value'), '--wait')
}

const tokenOf = (made: ReturnType<Desk['server']['make']>): string => made.fields['token']?.reveal() ?? ''

describe('keyturn task', () => {
  it('lists what is asked, of whom, since when and until when, and shows each with its steps (HUMAN)', async () => {
    const desk = await setDesk(TAGGED)
    expect(await desk.keyturn('task')).toMatchObject({ exit: 0, out: 'Nothing is asked of anybody.\n' })
    const rotation = await desk.ask('mint', MINT)
    const listed = await desk.keyturn('task', 'list')
    expect(listed).toMatchObject({ exit: 0, out: expect.stringContaining(`${rotation}  mint  ${MINT.title}`) as string })
    expect(listed.out).toMatch(/mail, for platform; asked \S+, due \S+/)
    const json = JSON.parse((await desk.keyturn('task', 'list', '--json')).out) as { askedAt: number; dueAt: number }[]
    expect(json).toMatchObject([{ rotation, secret: 'mail', owner: 'platform', step: 'mint', kind: 'mint', asksFor: [{ name: 'token', hidden: true }] }])
    expect((json[0]?.dueAt ?? 0) - (json[0]?.askedAt ?? 0)).toBe(86_400_000)
    const shown = await desk.keyturn('task', 'show', rotation)
    for (const text of [MINT.title, '1. Open the console.', '2. Make a key.', 'Answer with token', `keyturn task decline ${rotation} --reason TEXT`]) expect(shown.out).toContain(text)
    expect(await desk.keyturn('status')).toMatchObject({ out: expect.stringContaining('asked') as string })
  })

  it('refuses what cannot be meant: a verb that is not there, no rotation, one that asks nothing, a decline without a reason', async () => {
    const desk = await setDesk(TAGGED)
    expect(await desk.keyturn('task', 'do')).toMatchObject({ exit: 2 })
    expect(await desk.keyturn('task', 'answer')).toMatchObject({ exit: 2 })
    expect(await desk.keyturn('task', 'answer', 'mail')).toMatchObject({ exit: 3, err: expect.stringContaining('NOT_NOW') as string })
    const rotation = await desk.ask('mint', MINT)
    expect(await desk.keyturn('task', 'decline', rotation)).toMatchObject({ exit: 2, err: expect.stringContaining('--reason') as string })
    expect(await desk.keyturn('task', 'answer', rotation, '--file', join(desk.folder, 'nothing'))).toMatchObject({ exit: 2 })
    expect(await desk.keyturn('task', 'answer', rotation, '--file', join(desk.folder, '.env'), '--stdin')).toMatchObject({ exit: 2 })
  })
})

describe('a mint that a person does', () => {
  it('goes on from a file with the value in it: sealed, proven like any other, and in nobody\'s output (S2-102, I3, I11)', async () => {
    const desk = await setDesk(TAGGED)
    const before = /TOKEN=(.*)/.exec(desk.stored())?.[1] ?? ''
    const rotation = await desk.ask('mint', MINT)
    const made = desk.server.make()
    const did = await answerWith(desk, rotation, `${tokenOf(made)}\n`)
    expect(did).toMatchObject({ exit: 0, out: expect.stringContaining('Done: ') as string })
    expect(desk.stored()).toContain(tokenOf(made))
    expect(desk.server.keys.of('atlas').map(({ id, state }) => [id, state])).toEqual([[made.id, 'on']])
    for (const value of [tokenOf(made), before]) expect(`${did.out}${did.err}`).not.toContain(value)
    const events = await desk.events()
    expect(events.find((event) => event.type === 'task-answered')).toMatchObject({ step: 'mint', id: made.id, by: expect.stringContaining('@') as string })
    expect(JSON.stringify(events)).not.toContain(tokenOf(made))
    const shown = await desk.keyturn('show', rotation)
    expect(shown.out).toContain(`write ${made.id} to`)
    expect(receiptOf(desk, rotation)).toMatchObject({ inUse: { id: made.id } })
  })

  const wrongs: readonly (readonly [title: string, text: (desk: Desk) => string, says: RegExp])[] = [
    ['empty', () => '\n', /token is empty/],
    ['with a blank that was copied along', (desk) => ` ${tokenOf(desk.server.make())}`, /white space/],
    ['with a line break too many', (desk) => `${tokenOf(desk.server.make())}\n\n`, /white space/],
    ['the value in use', (desk) => /TOKEN=(.*)/.exec(desk.stored())?.[1] ?? '', /in use already/],
    ['another value under the id in use', (desk) => (/TOKEN=(.*)/.exec(desk.stored())?.[1] ?? '').replace(/.{4}$/, 'Zz09'), /id of the credential that is in use/],
    ['of another form than the provider makes', () => generate(ALNUM, 40), /another principal/],
    ['one that the issuer rejects', (desk) => tokenOf(desk.server.make()).replace(/.{4}$/, 'Zz09'), /rejects it \(401\)/],
    ['one that not every reader would read the same', (desk) => `${tokenOf(desk.server.make())}"'$(x)`, /TOKEN for/],
  ]
  it.for(wrongs)('is not answered with a value that cannot be it: %s', async ([, text, says]) => {
    const desk = await setDesk(TAGGED)
    const rotation = await desk.ask('mint', MINT)
    const given = text(desk)
    const entries = (await desk.events()).length
    const did = await answerWith(desk, rotation, given)
    expect(did).toMatchObject({ exit: 3, err: expect.stringMatching(says) as string })
    expect(did.err).toContain('TASK_UNFIT')
    if (given.trim() !== '') expect(`${did.out}${did.err}`).not.toContain(given.trim())
    expect(await desk.events(), 'nothing is written').toHaveLength(entries)
    const made = desk.server.make()
    expect(await answerWith(desk, rotation, tokenOf(made)), 'the task is still there').toMatchObject({ exit: 0 })
  })

  it('takes several fields as one JSON object, all of them and no other', async () => {
    const desk = await setDesk(TAGGED, TWO_FIELDS)
    const rotation = await desk.ask('mint', { ...MINT, fields: ['id', 'token'] })
    const made = desk.server.make()
    const [id, token] = [made.id, tokenOf(made)]
    const shown = JSON.parse((await desk.keyturn('task', 'show', rotation, '--json')).out) as unknown
    expect(shown).toMatchObject({ asksFor: [{ name: 'id', hidden: false }, { name: 'token', hidden: true }] })
    for (const [given, says] of [
      [token, /no text for id/], [JSON.stringify([id, token]), /no text for id/], [JSON.stringify({ id }), /no text for token/], [JSON.stringify({ id, token: 7 }), /no text for token/],
      [JSON.stringify({ id, token, secret: 'x' }), /there is no field secret/],
    ] as const) {
      const did = await answerWith(desk, rotation, given)
      expect(did).toMatchObject({ exit: 3, err: expect.stringMatching(says) as string })
      expect(did.err).not.toContain(token)
    }
    expect(await answerWith(desk, rotation, JSON.stringify({ id, token }))).toMatchObject({ exit: 0 })
    expect(desk.stored()).toBe(`KEY_ID=${id}\nTOKEN=${token}\n`)
  })

  it('that is declined turns the rotation back: nothing was made; who declined and why is journaled', async () => {
    const desk = await setDesk(TAGGED)
    const before = desk.stored()
    const rotation = await desk.ask('mint', MINT)
    expect(await desk.keyturn('task', 'decline', rotation, '--reason', 'no rights there')).toMatchObject({ exit: 5, out: expect.stringContaining('no rights there') as string })
    expect(desk.stored()).toBe(before)
    expect(desk.server.received.filter(({ operation }) => ['mint', 'off', 'gone'].includes(operation))).toEqual([])
    expect((await desk.events()).find((event) => event.type === 'task-declined')).toMatchObject({ step: 'mint', reason: 'no rights there', by: expect.stringContaining('@') as string })
  })

  it('in the one slot: the gap is measured from when it was asked, when the old value may have died', async () => {
    const desk = await setDesk({ value: 'made', mint: 'replaces', locate: 'none', slots: 1, ends: [] })
    const rotation = await desk.ask('mint', MINT)
    const asked = (await desk.events()).find((event) => event.type === 'step-asked')?.at ?? 0
    const made = desk.server.make()
    expect(await answerWith(desk, rotation, tokenOf(made))).toMatchObject({ exit: 0 })
    const published = (await desk.events()).find((event) => event.type === 'step-done' && event.step === 'publish:0')?.at ?? 0
    expect(receiptOf(desk, rotation).gapMs).toBeGreaterThanOrEqual(published - asked)
  })
})

describe('an ending that a person does', () => {
  it('is proven after the answer: a word alone ends nothing (I8, S2-107)', async () => {
    const desk = await setDesk(TAGGED, { issuer: (config) => ({ ...config, off: undefined, on: undefined }) })
    const [old] = desk.server.keys.of('atlas')
    const rotation = await desk.ask('gone', { kind: 'end', title: 'End the old key', steps: [] })
    desk.server.keys.remove('atlas', old?.id ?? '')
    expect(await desk.keyturn('task', 'answer', rotation, '--wait')).toMatchObject({ exit: 0 })
    expect(receiptOf(desk, rotation).proof).toMatchObject({ new: 'accepted', old: 'rejected' })
  })

  it('takes no value', async () => {
    const desk = await setDesk(TAGGED, { issuer: (config) => ({ ...config, off: undefined, on: undefined }) })
    const rotation = await desk.ask('gone', { kind: 'end', title: 'End the old key', steps: [] })
    expect(await answerWith(desk, rotation, 'x')).toMatchObject({ exit: 3, err: expect.stringContaining('asks for no value') as string })
  })
})

describe('a preparation that a person makes', () => {
  it('has the step attempted again', async () => {
    const desk = await setDesk(TAGGED)
    const rotation = await desk.ask('mint', { kind: 'prepare', title: 'Make room', steps: [] })
    expect(await desk.keyturn('task', 'answer', rotation, '--wait')).toMatchObject({ exit: 0 })
    expect(desk.server.received.filter(({ operation }) => operation === 'mint')).toHaveLength(1)
  })
})

describe('a word for a step that has to bring a credential', () => {
  it('does not stand for the credential: it is attempted again', async () => {
    const desk = await setDesk(TAGGED)
    const rotation = await desk.ask('mint', { kind: 'confirm', title: 'Say that it is made', steps: [] })
    expect(await desk.keyturn('task', 'answer', rotation, '--wait')).toMatchObject({ exit: 0 })
    expect(desk.server.received.filter(({ operation }) => operation === 'mint')).toHaveLength(1)
  })
})

describe('a task that is not done by its time', () => {
  it('is told again by `run --once` when it is due, and after each such time; until then nothing is written', async () => {
    const desk = await setDesk(UNSEEN)
    const rotation = await desk.ask('mint', { ...MINT, due: 300 })
    const reminders = async (): Promise<number> => (await desk.events()).filter(({ type }) => type === 'task-reminded').length
    const due = Number((JSON.parse((await desk.keyturn('task', 'list', '--json')).out) as { dueAt: number }[])[0]?.dueAt)
    for (let told = 1; told <= 2; told += 1) {
      const next = ((await desk.events()).findLast(({ type }) => type === 'task-reminded')?.at ?? due - 300) + 300
      await until(() => Date.now() > next, 'the time does not come')
      expect(await desk.keyturn('run', '--once')).toMatchObject({ exit: 4, out: expect.stringContaining('still to be done') as string })
      expect(await reminders()).toBe(told)
    }
    expect((await desk.keyturn('task', 'show', rotation)).out).toContain('overdue for')
  })

  it('is not told of before', async () => {
    const desk = await setDesk(UNSEEN)
    await desk.ask('mint', MINT)
    const entries = (await desk.events()).length
    expect(await desk.keyturn('run', '--once')).toMatchObject({ exit: 0 })
    expect(await desk.events()).toHaveLength(entries)
  })
})

function receiptOf(desk: Desk, rotation: string): Receipt {
  return verifyReceipt(JSON.parse(readFileSync(join(desk.folder, '.keyturn/receipts', `${rotation}.json`), 'utf8')) as SignedReceipt)
}
