import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Plan } from '../../src/plan/plan.ts'
import { BY_HAND, CONSOLE, type Person, personIssuer, sitDown } from './console.ts'

/** A desk whose manifest has this under `preflight`. */
async function withPreflight(title: string): Promise<Person> {
  const person = await sitDown({ secret: { consumers: [], checks: [] } })
  appendFileSync(join(person.desk.folder, 'keyturn.yaml'), `\npreflight:\n  - { use: person, title: ${title} }\n`)
  return person
}

describe('what a person is asked before anything is changed', () => {
  it('is asked once, and the rotation goes on from there; the checks of the secret are asked afterwards only', async () => {
    const person = await withPreflight('Support knows of it')
    expect(await person.rotate()).toMatchObject({ exit: 4, out: expect.stringContaining('Asked: Support knows of it') as string })
    expect(await person.asked()).toBe('preflight confirm')
    expect(await person.answer()).toMatchObject({ exit: 4 })
    expect(await person.asked()).toBe('mint mint')
  })

  it('refuses the rotation when it is declined, and says why (S2-55)', async () => {
    const person = await withPreflight('Support knows of it')
    const before = person.desk.stored()
    await person.rotate()
    expect(await person.keyturn('task', 'decline', 'mail', '--reason', 'nobody is there')).toMatchObject({ exit: 3, out: expect.stringContaining('nobody is there') as string })
    expect(person.desk.stored()).toBe(before)
  })

  it('can never be shown a credential: a check by hand that is to take one is refused (I12, C-05)', async () => {
    const person = await sitDown({ secret: { checks: [{ use: 'person', title: 'It logs in', as: 'new' }] } })
    expect(await person.rotate()).toMatchObject({ exit: 3, out: expect.stringContaining('a person is shown no credential') as string })
  })

  it('stands in the plan, with who is asked for what (X-06)', async () => {
    const person = await sitDown()
    const { plan } = JSON.parse((await person.keyturn('plan', 'mail', '--json')).out) as { readonly plan: Plan }
    expect(plan.summary.notices).toContain('people are asked to make the new credential, reload storefront by hand, end the old one: the rotation waits for them')
    const { out } = await person.keyturn('plan', 'mail')
    for (const text of ['ask a person to make a new credential', 'check until it passes: a person confirms: The storefront sends a mail', 'ask a person: end']) expect(out).toContain(text)
  })

  it('is no problem for doctor, which asks nobody', async () => {
    const person = await sitDown()
    await person.rotate()
    await person.keyturn('abort', await person.desk.rotation(), '--wait')
    const { out } = await person.keyturn('doctor')
    expect(out).toContain('a person is asked, in each rotation')
    expect(out).not.toContain('NOT_NOW')
  })
})

describe('a store that users read at once', () => {
  const RANDOM = {
    issuer: () => ({ use: 'random', name: 'session-key', format: 'alnum' }),
    file: () => ({ text: `TOKEN=${'a'.repeat(43)}\n`, bind: { TOKEN: '{value}' } }),
    secret: { consumers: BY_HAND.consumers, checks: [] },
  }

  it('is not put back because a person is asked to redeploy', async () => {
    const person = await sitDown(RANDOM)
    const before = person.token()
    expect(await person.rotate()).toMatchObject({ exit: 4 })
    expect(await person.asked()).toBe('reload:0.0 confirm')
    expect(person.token()).not.toBe(before)
    expect(await person.answer()).toMatchObject({ exit: 0 })
  })

  it('is put back when that is declined, and the person is asked to redeploy again', async () => {
    const person = await sitDown(RANDOM)
    const before = person.token()
    await person.rotate()
    expect(await person.keyturn('task', 'decline', 'mail', '--reason', 'not today', '--wait')).toMatchObject({ exit: 4 })
    expect(person.token()).toBe(before)
    expect(await person.asked()).toBe('back:reload:0.0 confirm')
    expect(await person.answer()).toMatchObject({ exit: 5 })
  })
})

describe('usage that nobody shows', () => {
  it('is not asked where the manifest does without it, and the consumers\' own proof has to stand alone (I6)', async () => {
    const person = await sitDown({ issuer: personIssuer, secret: { checks: [], quiet: '0s' } }, CONSOLE)
    await person.rotate()
    await person.answer(person.make().token)
    const { out } = await person.keyturn('task', 'answer', 'mail')
    expect(out).toContain('is only inferred to hold the value, and usage was not watched')
    expect(await person.keyturn('resume', await person.desk.rotation(), '--acknowledge', 'storefront', '--reason', 'I saw it run')).toMatchObject({ exit: 4 })
    expect(await person.asked()).toBe('gone end')
  })
})
