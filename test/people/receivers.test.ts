import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { answerChallenge, Secret } from '../../src/kit/index.ts'
import { onTerminal } from '../strategies/terminal.ts'
import { type Person, sitDown } from './console.ts'

/** The signing key of our webhooks, which two others verify: we make it, they have to be given it (S2-39, N-03). */
const OUTSIDE = {
  issuer: () => ({ use: 'random', name: 'signing-key', format: 'alnum' }),
  file: () => ({ text: `TOKEN=${'a'.repeat(43)}\n`, bind: { TOKEN: '{value}' } }),
  secret: {
    checks: [],
    consumers: [{ use: 'receivers', receivers: { billing: { person: 'ops@billing.example', how: 'their portal' }, shipping: { person: 'Ada of shipping' } } }],
  },
}

/** Takes the value out for a receiver into a file, and answers with what is in it. */
async function handOver(person: Person, receiver: string, ...more: readonly string[]): Promise<string> {
  const file = join(person.desk.folder, '..', `for-${receiver}-${more.length}`)
  expect(await person.keyturn('task', 'show', 'mail', '--hand-over', receiver, '--file', file, ...more)).toMatchObject({ exit: 0 })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  return readFileSync(file, 'utf8')
}

const taken = (person: Person, ...receivers: readonly string[]): ReturnType<Person['keyturn']> => person.keyturn('task', 'answer', 'mail', '--wait', ...receivers.flatMap((name) => ['--receiver', name]))
const done = async (person: Person, step: string): Promise<boolean> => (await person.desk.events()).some((event) => event.type === 'step-done' && event.step === step)

describe('receivers outside', () => {
  it('are handed the value one by one, and each acknowledges by itself before the rotation goes on (S2-39, D-20, N-03)', async () => {
    const person = await sitDown(OUTSIDE)
    expect(await person.rotate()).toMatchObject({ exit: 4, out: expect.stringContaining('Asked: Hand the value over to billing, shipping') as string })
    const shown = (await person.keyturn('task', 'show', 'mail')).out
    for (const words of ['billing: hand it to ops@billing.example, by their portal', 'billing: not handed over', '--hand-over NAME', '--receiver NAME']) expect(shown).toContain(words)

    expect(await taken(person), 'in one breath for all').toMatchObject({ exit: 3, err: expect.stringContaining('billing, shipping') as string })
    expect(await taken(person, 'billing'), 'before it could have it').toMatchObject({ exit: 3, err: expect.stringContaining('never handed over') as string })
    expect(await taken(person, 'nobody')).toMatchObject({ exit: 3, err: expect.stringContaining('nothing is asked of a receiver nobody') as string })
    expect(await handOver(person, 'billing')).toBe(person.token())
    expect(await taken(person, 'billing')).toMatchObject({ exit: 4 })
    expect(await done(person, 'reload:0.0'), 'one is not all').toBe(false)

    expect((await person.keyturn('status')).out).toContain('not taken yet by shipping')
    expect(JSON.parse((await person.keyturn('status', '--json')).out)).toMatchObject({ open: [{ state: 'asked', receivers: ['shipping'] }] })
    expect((await person.keyturn('task', 'show', 'mail')).out).toMatch(/billing: taken, says \S+@\S+, 20.*\n.*shipping: not handed over/)
    expect(await handOver(person, 'shipping')).toBe(person.token())
    expect(await taken(person, 'shipping')).toMatchObject({ exit: 0 })

    const receipt = await person.receipt()
    expect(receipt.received?.map(({ step, receiver }) => `${step} ${receiver}`)).toEqual(['reload:0.0 billing', 'reload:0.0 shipping'])
    expect(receipt.received?.every(({ by, at }) => by.includes('@') && at.endsWith('Z'))).toBe(true)
    expect(Object.values(receipt.attested)).toEqual([{ billing: 'acknowledged', shipping: 'acknowledged' }])
    expect((await person.desk.events()).filter(({ type }) => type === 'value-handed')).toMatchObject([{ receiver: 'billing', to: 'file' }, { receiver: 'shipping', to: 'file' }])
    expect(person.leaks([person.token()]).toSorted(), 'only what was asked for holds the value').toEqual(['file for-billing-0', 'file for-shipping-0'])
  })

  it('get it once: a second time is said to be one, and the journal has both (S2-39)', async () => {
    const person = await sitDown(OUTSIDE)
    await person.rotate()
    await handOver(person, 'billing')
    expect(await person.keyturn('task', 'show', 'mail', '--hand-over', 'billing', '--file', join(person.desk.folder, 'again'))).toMatchObject({ exit: 3, err: expect.stringMatching(/taken out for billing before, by \S+@\S+ at 20/) as string })
    expect(() => statSync(join(person.desk.folder, 'again'))).toThrow('ENOENT')
    expect(await handOver(person, 'billing', '--again')).toBe(person.token())
    expect((await person.desk.events()).filter(({ type }) => type === 'value-handed')).toHaveLength(2)
  })

  it('get nothing where it could not arrive: no terminal, a file that is there, a command that is not; and nothing is journaled', async () => {
    const person = await sitDown(OUTSIDE)
    expect(await person.keyturn('task', 'show', 'mail', '--hand-over', 'billing')).toMatchObject({ exit: 3 })
    await person.rotate()
    const entries = (await person.desk.events()).length
    const take = (...words: readonly string[]): ReturnType<Person['keyturn']> => person.keyturn('task', 'show', 'mail', '--hand-over', 'billing', ...words)
    expect(await take()).toMatchObject({ exit: 2, err: expect.stringContaining('--file FILE') as string })
    expect(await take('--file', join(person.desk.folder, '.env'))).toMatchObject({ exit: 2, err: expect.stringContaining('is there already') as string })
    expect(await person.keyturn('task', 'answer', 'mail', '--hand-over', 'billing')).toMatchObject({ exit: 2 })
    expect(await person.keyturn('task', 'show', 'mail', '--again')).toMatchObject({ exit: 2 })
    expect(await person.desk.events()).toHaveLength(entries)
  })

  it('that may have the new one are asked back when it is taken back, and no other (S2-39)', async () => {
    const person = await sitDown(OUTSIDE)
    const before = person.token()
    await person.rotate()
    const handed = await handOver(person, 'billing')
    expect(await person.keyturn('abort', await person.desk.rotation(), '--wait')).toMatchObject({ exit: 4 })
    expect(person.token()).toBe(before)
    const tasks = JSON.parse((await person.keyturn('task', 'list', '--json')).out) as unknown
    expect(tasks).toMatchObject([{ step: 'back:reload:0.0', receivers: [{ name: 'billing' }] }])
    expect(await handOver(person, 'billing', '--again')).toBe(before)
    expect(handed).not.toBe(before)
    expect(await taken(person, 'billing')).toMatchObject({ exit: 5 })
  })

  it('of a key of which two count for a while are handed it before anything is signed with it, and asked once more when the old one goes (S2-39, G-05, I-38)', async () => {
    const bind = { TOKEN: '{value}', TOKEN_PREVIOUS: { previous: '{value}' } }
    const person = await sitDown({
      issuer: () => ({ use: 'random', name: 'signing-key', format: 'alnum', strategy: 'dual-key' }),
      file: () => ({ text: `TOKEN=${'a'.repeat(43)}\n`, bind: { TOKEN: '{value}' } }),
      secret: { ...OUTSIDE.secret, tokens: { life: '20ms' }, stores: [{ use: 'dotenv', file: '.env', bind }] },
    })
    const before = person.token()
    expect(await person.rotate()).toMatchObject({ exit: 4 })
    expect(person.token(), 'the old one signs').toBe(before)
    expect((await person.keyturn('task', 'show', 'mail')).out).toContain('accepts it beside the one that it has')
    const given = await handOver(person, 'billing')
    expect(given).not.toBe(before)
    expect(await handOver(person, 'shipping')).toBe(given)
    expect(await taken(person, 'billing', 'shipping')).toMatchObject({ exit: 4, out: expect.stringContaining('Asked: Have the old value taken away at billing, shipping') as string })
    expect(person.token(), 'now the new one signs').toBe(given)
    expect(await taken(person, 'billing', 'shipping')).toMatchObject({ exit: 0 })
    expect((await person.receipt()).received?.map(({ step }) => step)).toEqual(['accept:reload:0.0', 'accept:reload:0.0', 'forget:reload:0.0', 'forget:reload:0.0'])
  })

  it('that say nothing are told of again and again, and stand in status (N-03, N-06)', async () => {
    const consumers = [{ ...OUTSIDE.secret.consumers[0], due: '300ms' }]
    const person = await sitDown({ ...OUTSIDE, secret: { ...OUTSIDE.secret, consumers } })
    await person.rotate()
    await handOver(person, 'shipping')
    await taken(person, 'shipping')
    const reminders = async (): Promise<number> => (await person.desk.events()).filter(({ type }) => type === 'task-reminded').length
    for (const wanted of [1, 2]) {
      await expect.poll(async () => {
        await person.keyturn('run', '--once')
        return reminders()
      }, { timeout: 10_000 }).toBeGreaterThanOrEqual(wanted)
    }
    expect((await person.keyturn('task', 'list')).out).toContain('overdue for')
    expect((await person.keyturn('status')).out).toContain('not taken yet by billing')
  })
})

/** A receiver that checks what we sign with the key that it holds, and answers challenges about it. */
async function startReceiver(holds: string): Promise<{ readonly url: string; take(value: string): void }> {
  let held = new Secret(holds)
  const server = createServer((request, response) => {
    void text(request).then((body) => response.end(JSON.stringify({ answer: answerChallenge(held, (JSON.parse(body) as { readonly nonce: string }).nonce) })))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/challenge`, take: (value) => { held = new Secret(value) } }
}

describe('a receiver that can be asked what it holds', () => {
  it('is not believed a word against its own proof: who says that it took the value while it has not is found out (I-38, S2-39)', async () => {
    const receiver = await startReceiver('a'.repeat(43))
    const consumers = [{ use: 'receivers', receivers: { billing: { person: 'ops' } }, attest: { use: 'http', field: 'value', challenges: { billing: receiver.url } } }]
    const person = await sitDown({ ...OUTSIDE, secret: { ...OUTSIDE.secret, consumers } })
    await person.rotate()
    const value = await handOver(person, 'billing')
    const before = 'a'.repeat(43)
    expect((await taken(person, 'billing')).out).toContain('billing holds the old value')
    // One slot: a store that users read at once is put back, and the receiver is asked to go back too, which it never left.
    expect(await person.asked()).toBe('back:reload:0.0 confirm')
    expect(person.token()).toBe(before)
    expect(value).not.toBe(before)
    expect(await taken(person, 'billing')).toMatchObject({ exit: 5 })
    expect(Object.values((await person.receipt()).attested)).toEqual([{ billing: 'challenge' }])
  })

  it('proves it by a challenge, and the receipt has the proof beside the word', async () => {
    const receiver = await startReceiver('a'.repeat(43))
    const consumers = [{ use: 'receivers', receivers: { billing: { person: 'ops' } }, attest: { use: 'http', field: 'value', challenges: { billing: receiver.url } } }]
    const person = await sitDown({ ...OUTSIDE, secret: { ...OUTSIDE.secret, consumers } })
    await person.rotate()
    receiver.take(await handOver(person, 'billing'))
    expect(await taken(person, 'billing')).toMatchObject({ exit: 0 })
    expect(await person.receipt()).toMatchObject({ received: [{ receiver: 'billing' }] })
    expect(Object.values((await person.receipt()).attested)).toEqual([{ billing: 'challenge' }])
  })
})

describe('the value on its way, by the shipped program', { timeout: 120_000 }, () => {
  it('is shown once on a terminal, on the screen that keeps nothing, and wiped (S2-39, I11)', async () => {
    const person = await sitDown(OUTSIDE)
    await person.rotate()
    const terminal = await onTerminal(person.desk, ['task', 'show', 'mail', '--hand-over', 'billing'])
    await terminal.saw('Enter wipes it')
    const [, shown = ''] = terminal.screen().split('\u001B[?1049h')
    expect(shown).toContain(person.token())
    terminal.type('\r')
    expect(await terminal.ended, terminal.screen()).toBe(0)
    const [, after = ''] = terminal.screen().split('\u001B[?1049l')
    expect(after).toContain('task answer')
    expect(after).not.toContain(person.token())
    expect((await person.desk.events()).find(({ type }) => type === 'value-handed')).toMatchObject({ to: 'terminal' })
  })

  it('goes to a command on its standard input; what that prints is masked, and its failure is said (C-01, I11)', async () => {
    const person = await sitDown(OUTSIDE)
    await person.rotate()
    const copy = join(person.desk.folder, '..', 'sent')
    const sent = await onTerminal(person.desk, ['task', 'show', 'mail', '--hand-over', 'billing', '--', 'tee', copy])
    expect(await sent.ended, sent.screen()).toBe(0)
    expect(readFileSync(copy, 'utf8')).toBe(person.token())
    expect(sent.screen()).not.toContain(person.token())
    const failed = await onTerminal(person.desk, ['task', 'show', 'mail', '--hand-over', 'shipping', '--', 'false'])
    expect(await failed.ended).toBe(3)
    expect(failed.screen()).toContain('--again')
    const missing = await onTerminal(person.desk, ['task', 'show', 'mail', '--hand-over', 'shipping', '--again', '--', 'keyturn-no-such'])
    expect(await missing.ended).toBe(3)
    expect((await person.desk.events()).filter(({ type }) => type === 'value-handed')).toHaveLength(2)
  })
})
