import { inspect } from 'node:util'
import type { z } from 'zod'
import type { Answer } from '../kit/answer.ts'
import type { Call, Ms } from '../kit/call.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import type { Reference } from '../kit/reference.ts'
import type { Secret } from '../kit/secret.ts'
import { callWithin } from './call.ts'
import { inWorldOf } from './in-world.ts'
import type { Runner } from './runner.ts'

/** References of one scheme with something to refer to, and the ways of the test to its other side. */
export interface ReferenceUnderTest {
  readonly reference: Reference
  /** What the descriptor has under `families.reference`. */
  readonly names: z.ZodType
  /** A name that stands for a value. */
  readonly name: string
  /** From now on it stands for this; an empty one too. */
  set(value: string): Promise<void> | void
  /** Names as they may be, of what is not there. */
  readonly absent: readonly string[]
  /** Names that are none. */
  readonly wrong: readonly string[]
  /** A part of `name` that may be private. Absent when all of a name may be shown. */
  readonly hidden?: string
  /** All that was told through `Surroundings.notice` until now. */
  readonly noticed: readonly string[]
  /** A name of which no answer comes. Absent when every answer is at hand. */
  readonly silent?: string
  close(): Promise<void> | void
}

/** Values that break what splits, trims, expands or guesses. All without a line end at the end, which a resolver may drop. */
const ODD: readonly string[] = [
  ' blanks at both ends ',
  'quotes \'"` and $HOME $(id) \\n %41 &amp; #',
  'two\nlines',
  'one line end too many\n\nx',
  'grüße 💚 日本',
  '-n',
  'x'.repeat(20_000),
]

/** The laws of {@link Reference}. `make` is called afresh for each of them. */
export function referenceSuite({ describe, it, expect }: Runner, scheme: string, make: () => Promise<ReferenceUnderTest> | ReferenceUnderTest): void {
  const law = inWorldOf(it, make)
  const resolve = ({ reference }: ReferenceUnderTest, name: string, ms: Ms = 10_000): Promise<Answer<Secret>> => reference.resolve(name, callWithin(ms))
  const resolvesTo = async (under: ReferenceUnderTest, value: string): Promise<void> => {
    const answer = await resolve(under, under.name)
    if (answer.is !== 'done') throw new Error(`${answer.is} ${answer.is === 'ask' ? '' : `${answer.code} ${answer.about ?? ''}`}`)
    expect(answer.value.reveal() === value, 'the value to the last character').toBe(true)
  }
  /** Everything that somebody may read of this answer. */
  const shown = ({ reference, noticed, name }: ReferenceUnderTest, answer: Answer<Secret>): string =>
    [reference.title(name), JSON.stringify(answer), inspect(answer, { depth: 20 }), ...noticed].join('\n')

  describe(`\${${scheme}:...} keeps the laws of a reference`, () => {
    law('it is the value at the moment of use: another value there is another one here (X-14)', async (under) => {
      for (let time = 0; time < 3; time += 1) {
        const value = generate(ALNUM, 32)
        await under.set(value)
        await resolvesTo(under, value)
        await resolvesTo(under, value)
      }
    })

    law('it brings in every character as it is', async (under) => {
      for (const value of ODD) {
        await under.set(value)
        await resolvesTo(under, value)
      }
    })

    law('nothing that it brings in is resolved again', async (under) => {
      const value = `\${env:HOME} \${file:/etc/hostname} \${${scheme}:${under.name}} {password}`
      await under.set(value)
      await resolvesTo(under, value)
    })

    law('an empty value is none', async (under) => {
      await under.set('')
      expect(await resolve(under, under.name)).toMatchObject({ is: 'refused', code: 'REFERENCE_UNRESOLVED' })
    })

    law('what is not there is refused with a code and a reason, and not thrown', async (under) => {
      expect(under.absent.length).toBeGreaterThan(0)
      for (const name of under.absent) {
        expect(under.names.safeParse(name).success, 'it may be written').toBe(true)
        expect((await resolve(under, name)).is).toBe('refused')
      }
    })

    law('a wrong name is found without resolving it, with what to write; resolving it is refused', async (under) => {
      expect(under.names.safeParse(under.name).success).toBe(true)
      expect(under.wrong.length).toBeGreaterThan(0)
      for (const name of ['', ...under.wrong]) {
        const { error } = under.names.safeParse(name)
        expect(error?.issues.length, `${inspect(name)} is wrong`).toBe(1)
        expect(error?.issues[0]?.message ?? '').not.toBe('')
        expect(error?.issues[0]?.message.startsWith('Invalid'), 'a message of one\'s own').toBe(false)
        expect((await resolve(under, name)).is).toBe('refused')
      }
    })

    law('no answer, title or notice shows the value or what is private in the name (I11)', async (under) => {
      const value = generate(ALNUM, 32)
      await under.set(value)
      const texts = [shown(under, await resolve(under, under.name))]
      for (const name of [...under.absent, ...under.wrong]) texts.push(shown(under, await resolve(under, name)))
      const aborted: Call = { signal: AbortSignal.abort(), deadline: 0, fence: 1 }
      texts.push(shown(under, await under.reference.resolve(under.name, aborted)))
      for (const text of texts) {
        expect(text.includes(value)).toBe(false)
        expect(under.hidden !== undefined && text.includes(under.hidden)).toBe(false)
      }
    })

    law('it has a title for messages, which is always the same', ({ reference, name, wrong }) => {
      for (const each of [name, ...wrong]) expect(reference.title(each)).toBe(reference.title(each))
      expect(reference.title(name)).not.toBe('')
      return Promise.resolve()
    })

    law('it answers by the deadline (X-10)', async (under) => {
      if (under.silent === undefined) return
      const call = callWithin(300)
      const answer = await under.reference.resolve(under.silent, call)
      expect(answer).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
      expect(Date.now()).toBeLessThan(call.deadline + 2_000)
    })
  })
}
