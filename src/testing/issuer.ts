import { inspect } from 'node:util'
import type { Answer } from '../kit/answer.ts'
import { expectedAfter, intentOf, listed, repeated, replacesOld, settleMint, testCall, wrong } from './issuer-acts.ts'
import { askLaws } from './issuer-asks.ts'
import { type IssuerWorld, lawsOf } from './issuer-law.ts'
import { madeLaws } from './issuer-made.ts'
import type { Runner } from './runner.ts'

export type { IssuerWorld } from './issuer-law.ts'

/**
 * The laws of {@link Issuer}, for every connector: on its fake with every fault, and on the real server where there is one. What
 * is left out follows from the traits.
 */
export function issuerSuite({ describe, it, expect }: Runner, name: string, make: () => Promise<IssuerWorld>): void {
  const { law, expectVerdict, mintNext, minted } = lawsOf({ it, expect }, make)

  describe(`${name}: laws of an issuer`, () => {
    law('identity, endpoints and ids are pure and the same in every process', async (world, issuer, open) => {
      expect(issuer.identity()).toBe(open().identity())
      expect(issuer.endpoints().length).toBeGreaterThanOrEqual(1)
      expect(new Set(issuer.endpoints()).size).toBe(issuer.endpoints().length)
      expect(Object.keys(world.current.fields).sort()).toEqual(Object.keys(issuer.traits.fields).sort())
      expect(issuer.idOf(world.current.fields)).toBe(world.current.id)
    })

    law('a proposal is fresh each time and belongs to the principal', async (world, issuer) => {
      if (issuer.traits.value !== 'chosen') return
      const [one, two] = [issuer.propose(world.current), issuer.propose(world.current)]
      // The id may be told by the value, as a digest of it is: then it is as fresh.
      for (const proposed of [one, two]) expect(issuer.idOf(proposed.fields)).toBe(proposed.id)
      for (const [field, kind] of Object.entries(issuer.traits.fields)) {
        if (kind === 'secret') expect(one.fields[field]?.equals(two.fields[field])).toBe(false)
      }
    })

    law('preflight is green and changes nothing', async (world, issuer) => {
      const before = await listed(issuer)
      const answer = await issuer.preflight(world.current, intentOf(issuer, world.current, 'attempt-1').credential.id, testCall())
      expect(answer.is, inspect(answer)).toBe('done')
      expect(await listed(issuer)).toEqual(before)
      await expectVerdict(issuer, world.current, 'accepted')
    })

    law('mint makes the new one accepted, and the old one stays or is replaced, as the traits say', async (world, issuer) => {
      const next = await mintNext(world, issuer)
      await expectVerdict(issuer, next, 'accepted')
      await expectVerdict(issuer, world.current, replacesOld(issuer) ? 'rejected' : 'accepted')
    })

    law('a wrong value is rejected', async (world, issuer) => {
      await expectVerdict(issuer, wrong(issuer, world.current), 'rejected')
      await expectVerdict(issuer, wrong(issuer, await mintNext(world, issuer)), 'rejected')
    })

    law('a chosen value may be minted again by another process, and twice at once', async (world, issuer, open) => {
      if (issuer.traits.value !== 'chosen') return
      const intent = intentOf(issuer, world.current, 'attempt-1')
      await issuer.mint(intent, testCall())
      const again = await open().mint(intent, testCall())
      expect(again.is, inspect(again)).toBe('done')
      const twice = await Promise.all([issuer.mint(intent, testCall()), open().mint(intent, testCall())])
      expect(twice.some((answer) => answer.is === 'done'), inspect(twice)).toBe(true)
      await expectVerdict(issuer, intent.credential, 'accepted')
      expect((await listed(issuer)).length).toBeLessThanOrEqual(issuer.traits.slots)
    })

    law('observe lists what is on, by id and complete', async (world, issuer) => {
      const next = await mintNext(world, issuer)
      const seen = await issuer.observe(testCall())
      expect(seen.is).toBe('done')
      if (seen.is !== 'done' || !seen.value.complete) return
      for (const credential of replacesOld(issuer) ? [next] : [world.current, next]) {
        expect(seen.value.known.find((one) => one.id === credential.id)?.state).toBe('on')
      }
    })

    law('every end is reached, may be repeated, and is rejected everywhere', async (world, issuer, open) => {
      if (issuer.traits.ends.length > 0) await mintNext(world, issuer)
      for (const end of issuer.traits.ends) {
        for (const one of [issuer, issuer, open()]) {
          const answer = await one.set(world.current.id, end, testCall())
          expect(answer.is, inspect(answer)).toBe('done')
        }
        await expectVerdict(issuer, world.current, 'rejected')
        const state = (await listed(issuer)).find(([id]) => id === world.current.id)?.[1] ?? 'gone'
        expect(state).not.toBe('on')
      }
    })

    law('off can be undone', async (world, issuer) => {
      if (!issuer.traits.ends.includes('off')) return
      await mintNext(world, issuer)
      await issuer.set(world.current.id, 'off', testCall())
      await expectVerdict(issuer, world.current, 'rejected')
      for (const _ of [1, 2]) expect((await issuer.set(world.current.id, 'on', testCall())).is).toBe('done')
      await expectVerdict(issuer, world.current, 'accepted')
    })

    law('off ends what is open with that credential and leaves the others alone', async (world, issuer) => {
      if (!issuer.traits.ends.includes('off')) return
      const next = await mintNext(world, issuer)
      const [old, fresh, ...others] = await Promise.all([world.current, next, ...world.siblings].map((one) => world.use(one)))
      try {
        expect(await old?.alive()).toBe(true)
        expect((await issuer.set(world.current.id, 'off', testCall())).is).toBe('done')
        if (issuer.traits.derivedLife === undefined) expect(await old?.alive(), 'the old session lives on').toBe(false)
        for (const one of [fresh, ...others]) expect(await one?.alive(), 'another session was ended').toBe(true)
      } finally {
        for (const one of [old, fresh, ...others]) await one?.close()
      }
    })

    law('mint and the ends leave siblings untouched', async (world, issuer) => {
      await mintNext(world, issuer)
      for (const end of issuer.traits.ends) await issuer.set(world.current.id, end, testCall())
      for (const sibling of world.siblings) {
        const used = await world.use(sibling)
        expect(await used.alive()).toBe(true)
        await used.close()
      }
    })

    law('one that is absent satisfies gone', async (world, issuer) => {
      if (!issuer.traits.ends.includes('gone')) return
      const absent = intentOf(issuer, world.current, 'attempt-1').credential.id
      if (absent === world.current.id) return
      const answer = await issuer.set(absent, 'gone', testCall())
      expect(answer.is, inspect(answer)).toBe('done')
      await expectVerdict(issuer, world.current, 'accepted')
    })

    law('an older owner is refused where the target can compare', async (world, issuer) => {
      const next = intentOf(issuer, world.current, 'attempt-1')
      const ahead = await issuer.preflight(world.current, next.credential.id, testCall())
      if (ahead.is !== 'done' || !ahead.value.fenced) return
      await issuer.mint(next, testCall({ fence: 7 }))
      const late = intentOf(issuer, world.current, 'late')
      expect(await issuer.mint(late, testCall({ fence: 6 }))).toMatchObject({ is: 'refused', code: 'FENCED' })
      await expectVerdict(issuer, next.credential, 'accepted')
      for (const end of issuer.traits.ends) {
        expect(await issuer.set(world.current.id, end, testCall({ fence: 6 }))).toMatchObject({ is: 'refused', code: 'FENCED' })
        await expectVerdict(issuer, world.current, 'accepted')
      }
    })

    law('an older owner cannot mint any more what a newer one ended before it was there', async (world, issuer) => {
      const late = intentOf(issuer, world.current, 'late')
      const ahead = await issuer.preflight(world.current, late.credential.id, testCall())
      if (ahead.is !== 'done' || !ahead.value.fenced || !issuer.traits.ends.includes('gone')) return
      await issuer.set(late.credential.id, 'gone', testCall({ fence: 7 }))
      expect(await issuer.mint(late, testCall({ fence: 6 }))).toMatchObject({ is: 'refused', code: 'FENCED' })
      await expectVerdict(issuer, late.credential, 'rejected')
    })

    law('nothing is done, and soon, when the deadline has passed', async (world, issuer) => {
      if (world.inject === undefined) return
      const over = { signal: AbortSignal.abort(), deadline: Date.now() - 1, fence: 1 }
      const intent = intentOf(issuer, world.current, 'attempt-1')
      const answers = [
        await issuer.preflight(world.current, intent.credential.id, over), await issuer.observe(over),
        await issuer.mint(intent, over), await issuer.probe(world.current, issuer.endpoints()[0] ?? '', over),
        ...(issuer.traits.ends.length > 0 ? [await issuer.set(world.current.id, 'off', over)] : []),
        ...(issuer.collect === undefined ? [] : [await issuer.collect(intent.tag, over)]),
      ]
      for (const answer of answers) expect(answer.is === 'done' || answer.is === 'ask', inspect(answer)).toBe(false)
      await expectVerdict(issuer, world.current, 'accepted')
    })
  })

  describe(`${name}: an issuer under faults`, () => {
    for (const fault of ['answer-lost', 'unreachable', 'server-error', 'slow'] as const) {
      law(`mint, ${fault}: never a false done, and settled by looking and repeating`, async (world, issuer, open) => {
        // No fault comes between a person who is asked and the provider.
        if (world.inject === undefined || issuer.traits.asks?.includes('mint') === true) return
        const before = (await listed(issuer)).map(([id]) => id)
        const intent = intentOf(issuer, world.current, 'attempt-1')
        await world.inject(fault)
        const answer = await issuer.mint(intent, testCall(fault === 'slow' ? { within: 400 } : {}))
        expect(expectedAfter(fault), inspect(answer)).toContain(answer.is)
        const settled = await settleMint(open(), intent, before)
        if (settled !== 'full') await expectVerdict(issuer, minted(settled, world.current), 'accepted')
        if (!replacesOld(issuer)) await expectVerdict(issuer, world.current, 'accepted')
      })

      law(`off, ${fault}: never a false done, and settled by repeating`, async (world, issuer, open) => {
        if (world.inject === undefined || !issuer.traits.ends.includes('off') || issuer.traits.asks?.includes('off') === true) return
        await mintNext(world, issuer)
        await world.inject(fault)
        const answer = await issuer.set(world.current.id, 'off', testCall(fault === 'slow' ? { within: 400 } : {}))
        expect(expectedAfter(fault), inspect(answer)).toContain(answer.is)
        expect(await repeated(() => open().set(world.current.id, 'off', testCall()))).toBe('done')
        await expectVerdict(issuer, world.current, 'rejected')
      })
    }

    law('full: refused with SLOTS_FULL before anything is changed', async (world, issuer) => {
      if (world.inject === undefined || issuer.traits.mint !== 'adds') return
      // A person sees it there, and declines.
      if (issuer.traits.asks?.includes('mint') === true) return
      await world.inject('full')
      const intent = intentOf(issuer, world.current, 'attempt-1')
      const ahead = await issuer.preflight(world.current, intent.credential.id, testCall())
      const answer: Answer<unknown> = ahead.is === 'done' ? await issuer.mint(intent, testCall()) : ahead
      expect(answer).toMatchObject({ is: 'refused', code: 'SLOTS_FULL' })
    })
  })

  madeLaws({ describe, it, expect }, name, make)
  askLaws({ describe, it, expect }, name, make)
}
