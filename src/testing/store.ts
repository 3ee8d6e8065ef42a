import type { Answer } from '../kit/answer.ts'
import type { Call } from '../kit/call.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import { Secret } from '../kit/secret.ts'
import type { Patch, Store } from '../kit/store.ts'
import { callWithin } from './call.ts'
import { inWorldOf } from './in-world.ts'
import type { Runner } from './runner.ts'

/** A store with something in it, and the ways of the test to its other side. */
export interface StoreUnderTest {
  /** Holds at least `keys`, each with a value, and something that is not in `keys`. */
  readonly store: Store
  /** Two or more keys that are there, or all where they are fixed. One of them may be a part of another's name. */
  readonly keys: readonly string[]
  /** A key that is not there and may be made. Absent where the keys are fixed. */
  readonly fresh?: string
  /** A new value for a key, every time another one; random letters and digits when absent. */
  value?(key: string): string
  /** A second connection to the same store, as another process has it. */
  again(): Store
  /** Everything that is in the store and does not belong to `keys` or `fresh`, in a form that differs when a byte does. */
  siblings(): Promise<string> | string
  /** What a person does: changes something that is in neither `keys` nor `fresh`. */
  edit(): Promise<void> | void
  /** Leaves behind what a writer leaves that was killed in the middle. Absent when a write has no middle. */
  leave?(): Promise<void> | void
  /** Whether something is beside the store that does not belong there. */
  litter(): Promise<boolean> | boolean
  /** An entry that a declared reader would misread; absent when every text is read the same. */
  readonly unreadable?: { readonly key: string; readonly value: string }
  /** The next write is applied and its answer is lost. Absent when the store has no way to lose an answer. */
  loseAnswer?(): Promise<void> | void
  close(): Promise<void> | void
}

/** The laws of {@link Store} for stores that give values back. `make` is called afresh for each of them. */
export function storeSuite(runner: Runner, name: string, make: () => Promise<StoreUnderTest> | StoreUnderTest): void {
  const { describe, it, expect } = runner
  const law = inWorldOf(it, make)
  const call = (): Call => callWithin(30_000)
  const valueFor = (under: StoreUnderTest, key: string): Secret => new Secret(under.value?.(key) ?? generate(ALNUM, 32))
  /** All keys of the test, there or not. */
  const allOf = ({ keys, fresh }: StoreUnderTest): readonly string[] => (fresh === undefined ? keys : [...keys, fresh])
  const revisionOf = async ({ store, keys }: StoreUnderTest): Promise<string> => must(await store.read(keys, call())).revision
  const valueOf = async ({ again }: StoreUnderTest, key: string): Promise<Secret | undefined> =>
    must(await again().read([key], call())).entries[key]
  const keyOf = ({ keys }: StoreUnderTest): string => keys[0] ?? ''
  const holds = async (under: StoreUnderTest, key: string, expected: Secret | undefined): Promise<void> => {
    const found = await valueOf(under, key)
    expect(expected === undefined ? found === undefined : expected.equals(found), `${key} as written`).toBe(true)
  }

  describe(`${name} keeps the laws of a store`, () => {
    law('one store has one key of its own, however often it is opened', async ({ store, again }) => {
      expect(store.identity()).toBe(again().identity())
      expect(/^store:[^/]+/.test(store.identity())).toBe(true)
      expect(store.title()).not.toBe('')
    })

    law('a look changes nothing', async (under) => {
      const before = await revisionOf(under)
      const siblings = await under.siblings()
      expect((await under.store.preflight(call())).is).toBe('done')
      await under.store.read(allOf(under), call())
      expect(await revisionOf(under)).toBe(before)
      expect(await under.siblings()).toBe(siblings)
    })

    law('reads the keys that are asked for, and none that is absent', async (under) => {
      const { entries } = must(await under.store.read(allOf(under), call()))
      expect(Object.keys(entries).sort()).toEqual([...under.keys].sort())
      expect(Object.keys(must(await under.store.read([], call())).entries)).toEqual([])
    })

    law('a patch changes our keys and leaves every other byte (C-14)', async (under) => {
      const siblings = await under.siblings()
      for (const key of under.keys) {
        const next = valueFor(under, key)
        const others = under.keys.filter((other) => other !== key)
        const were = await Promise.all(others.map((other) => valueOf(under, other)))
        must(await under.store.write({ [key]: next }, await revisionOf(under), call()))
        await holds(under, key, next)
        for (const [at, other] of others.entries()) await holds(under, other, were[at])
      }
      expect(await under.siblings()).toBe(siblings)
    })

    law('makes a key and takes it away again, unless its keys are fixed', async (under) => {
      const siblings = await under.siblings()
      const { fresh } = under
      expect(fresh === undefined).toBe(under.store.traits.keys === 'fixed')
      if (fresh === undefined) return
      const next = valueFor(under, fresh)
      must(await under.store.write({ [fresh]: next }, await revisionOf(under), call()))
      await holds(under, fresh, next)
      must(await under.store.write({ [fresh]: null }, await revisionOf(under), call()))
      await holds(under, fresh, undefined)
      expect(await under.siblings()).toBe(siblings)
    })

    law('taking an absent key away is done and changes nothing', async (under) => {
      const { fresh } = under
      if (fresh === undefined) must(await under.store.write({ [keyOf(under)]: null }, await revisionOf(under), call()))
      const before = await revisionOf(under)
      must(await under.store.write({ [fresh ?? keyOf(under)]: null }, before, call()))
      await holds(under, fresh ?? keyOf(under), undefined)
      expect(await revisionOf(under)).toBe(before)
    })

    law('applies several keys at once, also to others who read', async (under) => {
      const patch: Patch = Object.fromEntries(allOf(under).map((key) => [key, valueFor(under, key)]))
      const answer = must(await under.store.write(patch, await revisionOf(under), call()))
      for (const [key, next] of Object.entries(patch)) await holds(under, key, next ?? undefined)
      expect(answer.revision).toBe(await revisionOf(under))
    })

    law('the revision stands for the content: it changes with any change, ours or not, and with nothing else', async (under) => {
      const first = await revisionOf(under)
      expect(await revisionOf(under)).toBe(first)
      await under.edit()
      const second = await revisionOf(under)
      expect(second).not.toBe(first)
      must(await under.store.write({ [keyOf(under)]: valueFor(under, keyOf(under)) }, second, call()))
      const third = await revisionOf(under)
      expect(third === first || third === second).toBe(false)
    })

    law('repeating a write after a lost answer is safe: its revision is of the past, the value is there', async (under) => {
      const before = await revisionOf(under)
      const next = valueFor(under, keyOf(under))
      await under.loseAnswer?.()
      const first = await under.store.write({ [keyOf(under)]: next }, before, call())
      expect(first.is).toBe(under.loseAnswer === undefined ? 'done' : 'unknown')
      await holds(under, keyOf(under), next)
      must(await under.again().write({ [keyOf(under)]: next }, await revisionOf(under), call()))
      await holds(under, keyOf(under), next)
    })

    law('accepts is pure, and what it accepts is read back exactly', async (under) => {
      const entries = Object.fromEntries(allOf(under).map((key) => [key, valueFor(under, key)]))
      const before = await revisionOf(under)
      expect(under.store.accepts(entries).is).toBe('done')
      expect(under.store.accepts(entries)).toEqual(under.store.accepts(entries))
      expect(await revisionOf(under)).toBe(before)
    })

    law('what a reader would misread is refused by accepts and by write, which name the key; nothing changes', async (under) => {
      if (under.unreadable === undefined) {
        expect(under.store.accepts({ [keyOf(under)]: new Secret('a \'"$`\\{}#\n') }).is).toBe('done')
        return
      }
      const { key, value: text } = under.unreadable
      const before = await revisionOf(under)
      const entries = { [key]: new Secret(text) }
      for (const answer of [under.store.accepts(entries), await under.store.write(entries, before, call())]) {
        expect(answer).toMatchObject({ is: 'refused', code: 'VALUE_UNREADABLE' })
        expect(JSON.stringify(answer)).toContain(key)
        expect(JSON.stringify(answer)).not.toContain(text)
      }
      expect(await revisionOf(under)).toBe(before)
    })

    law('after the deadline nothing is written', async (under) => {
      const before = await revisionOf(under)
      const over: Call = { signal: AbortSignal.abort(), deadline: 0, fence: 1 }
      const answer = await under.store.write({ [keyOf(under)]: valueFor(under, keyOf(under)) }, before, over)
      expect(answer.is).not.toBe('done')
      expect(await revisionOf(under)).toBe(before)
    })

    law('no answer shows a value', async (under) => {
      const next = valueFor(under, keyOf(under))
      const old = await valueOf(under, keyOf(under))
      const revision = await revisionOf(under)
      const answers: unknown[] = [
        await under.store.preflight(call()),
        await under.store.read(under.keys, call()),
        under.store.accepts({ [keyOf(under)]: next }),
        await under.store.write({ [keyOf(under)]: next }, 'another revision', call()),
        await under.store.write({ [keyOf(under)]: next }, revision, call()),
        await under.store.tidy(call()),
        under.store.identity(),
        under.store.title(),
      ]
      const shown = JSON.stringify(answers)
      expect(shown.includes(next.reveal()), 'the new value').toBe(false)
      expect(old !== undefined && shown.includes(old.reveal()), 'the old value').toBe(false)
    })

    law('tidy takes away what a killed write left, nothing else, and may be repeated', async (under) => {
      const before = await revisionOf(under)
      await under.leave?.()
      expect(await under.litter()).toBe(under.leave !== undefined)
      for (let time = 0; time < 2; time += 1) {
        expect((await under.store.tidy(call())).is).toBe('done')
        expect(await under.litter()).toBe(false)
      }
      expect(await revisionOf(under)).toBe(before)
    })

    law('a write leaves nothing beside the store', async (under) => {
      must(await under.store.write({ [keyOf(under)]: valueFor(under, keyOf(under)) }, await revisionOf(under), call()))
      await under.store.write({ [keyOf(under)]: valueFor(under, keyOf(under)) }, 'another revision', call())
      expect(await under.litter()).toBe(false)
    })

    law('where it can compare, a write on an old revision is refused with CONFLICT and changes nothing', async (under) => {
      const { store, keys, siblings, edit } = under
      if (!store.traits.cas) return
      const before = must(await store.read(keys, call()))
      await edit()
      const [edited, revision] = [await siblings(), await revisionOf(under)]
      const late = await store.write({ [keyOf(under)]: valueFor(under, keyOf(under)) }, before.revision, call())
      expect(late).toMatchObject({ is: 'refused', code: 'CONFLICT' })
      // Also when the value is there already: the caller has not seen what else is.
      const same = before.entries[keyOf(under)] ?? null
      expect(await store.write({ [keyOf(under)]: same }, before.revision, call())).toMatchObject({ is: 'refused', code: 'CONFLICT' })
      expect(await siblings()).toBe(edited)
      expect(await revisionOf(under)).toBe(revision)
      await holds(under, keyOf(under), before.entries[keyOf(under)])
    })
  })
}

function must<T>(answer: Answer<T>): T {
  if (answer.is === 'done') return answer.value
  throw new Error(answer.is === 'ask' ? 'ask' : `${answer.is} ${answer.code} ${answer.about ?? ''}`)
}
