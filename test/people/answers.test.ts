import { describe, expect, it } from 'vitest'
import { ALNUM, generate } from '../../src/kit/index.ts'
import { type Person, personIssuer, sitDown } from './console.ts'

const SHAPED = { issuer: (config: Record<string, unknown>) => ({ ...personIssuer(config), shape: { prefix: 'ref_', length: '40..80' } }), secret: { consumers: [], checks: [] } }

/** Everything that could be written is as it was. */
async function untouched<T>(person: Person, act: () => Promise<T>): Promise<T> {
  const [entries, token] = [(await person.desk.events()).length, person.token()]
  const did = await act()
  expect(await person.desk.events()).toHaveLength(entries)
  expect(person.token()).toBe(token)
  return did
}

describe('an answer is looked at while the page is open', () => {
  it.for<readonly [title: string, value: (made: string) => string, says: RegExp]>([
    ['of another kind', (made) => made.replace('ref_', 'sk-_'), /a token begins with `ref_`, and this does not/],
    ['cut short', (made) => made.slice(0, 20), /a token has 40 to 80 characters, and this does not/],
    ['with what stood beside it', (made) => `${made}${generate(ALNUM, 60)}`, /a token has 40 to 80 characters/],
  ])('a paste %s is refused by the shape of the manifest, and what is expected is said (HUMAN)', async ([, value, says]) => {
    const person = await sitDown(SHAPED)
    await person.rotate()
    const made = person.make()
    const given = value(made.token)
    expect(await untouched(person, () => person.answer(given))).toMatchObject({ exit: 3, err: expect.stringMatching(says) as string })
    expect(person.leaks([made.token, given])).toEqual([])
    expect(await person.answer(made.token), 'the task is still there').toMatchObject({ exit: 4 })
  })

  it('one that was ended before is refused by its fingerprint, whoever copied it from where (HUMAN, C-13)', async () => {
    const person = await sitDown({ secret: { consumers: [], checks: [] } })
    const first = person.token()
    const old = person.desk.server.keys.accepts(first)
    await person.rotate()
    await person.answer(person.make().token)
    await person.answer()
    expect(await person.asked()).toBe('gone end')
    person.end(old?.id ?? '')
    expect(await person.answer()).toMatchObject({ exit: 0 })
    await person.rotate()
    expect(await person.asked()).toBe('mint mint')
    const did = await untouched(person, () => person.answer(first))
    expect(did).toMatchObject({ exit: 3, err: expect.stringMatching(/it is an old one, which was ended 20\d\d-/) as string })
    expect(person.leaks([first])).toEqual([])
  })

  it('one that nobody can look at now is kept, it is said, and it is proven before anybody is given it (HUMAN, X-10)', async () => {
    const person = await sitDown({ secret: { consumers: [], checks: [] } })
    const before = person.token()
    await person.rotate()
    const made = person.make()
    await person.desk.server.stop()
    const kept = person.answer(made.token)
    await expect.poll(async () => (await person.desk.events()).some((event) => event.type === 'task-answered' && event.unproven?.length === 1), { timeout: 10_000 }).toBe(true)
    expect(person.token(), 'nobody is given it').toBe(before)
    await person.desk.server.start()
    expect(await kept).toMatchObject({ exit: 4, out: expect.stringMatching(/answered by \S+; kept, though \S+ \(UNREACHABLE\) gave no verdict on it now/) as string })
    expect(person.token()).toBe(made.token)
    expect(person.leaks([made.token])).toEqual([])
  })
})
