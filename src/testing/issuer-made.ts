import { intentOf, listed, mintWhole, replacesOld, suspectsOf, testCall } from './issuer-acts.ts'
import { type IssuerWorld, lawsOf } from './issuer-law.ts'
import type { Runner } from './runner.ts'

/** The laws of values that the provider makes, at once or in its own time. They pass by an issuer whose values are chosen. */
export function madeLaws({ describe, it, expect }: Runner, name: string, make: () => Promise<IssuerWorld>): void {
  const { law, mintNext, minted } = lawsOf({ it, expect }, make)

  describe(`${name}: an issuer that makes values`, () => {
    law('a proposal of a made value is a placeholder without fields', async (world, issuer) => {
      if (issuer.traits.value !== 'made') return
      const proposed = issuer.propose(world.current)
      expect(Object.keys(proposed.fields)).toEqual([])
      expect((await listed(issuer)).some(([id]) => id === proposed.id)).toBe(false)
      expect(proposed.id === world.current.id).toBe(false)
    })

    law('a made value comes whole, and its fields tell its id', async (world, issuer) => {
      if (issuer.traits.value !== 'made') return
      const next = await mintNext(world, issuer)
      expect(Object.keys(next.fields).sort()).toEqual(Object.keys(issuer.traits.fields).sort())
      expect(issuer.idOf(next.fields)).toBe(next.id)
      if (issuer.traits.mint === 'adds') expect(next.id === world.current.id).toBe(false)
      for (const [field, kind] of Object.entries(issuer.traits.fields)) {
        if (kind === 'secret') expect(next.fields[field]?.equals(world.current.fields[field])).toBe(false)
      }
    })

    law('a made value carries the tag of its attempt, where tags locate it', async (world, issuer) => {
      if (issuer.traits.value !== 'made' || issuer.traits.locate !== 'tag') return
      const next = await mintNext(world, issuer, 'attempt-7')
      const seen = await issuer.observe(testCall())
      const tagged = seen.is === 'done' ? seen.value.known.filter(({ tag }) => tag === 'attempt-7') : []
      expect(tagged.map(({ id }) => id)).toEqual([next.id])
    })

    law('a made value is the one id that was not there before, where the baseline locates it', async (world, issuer) => {
      if (issuer.traits.locate !== 'baseline' || replacesOld(issuer)) return
      const before = (await listed(issuer)).map(([id]) => id)
      const next = await mintNext(world, issuer)
      expect(await suspectsOf(issuer, 'attempt-1', before)).toEqual([next.id])
    })

    law('a triggered rotation is started once by a tag, and collected by any process when it is finished', async (world, issuer, open) => {
      expect(issuer.collect !== undefined).toBe(issuer.traits.mint === 'triggers')
      if (issuer.traits.mint !== 'triggers') return
      const intent = intentOf(issuer, world.current, 'attempt-1')
      for (const one of [issuer, open()]) {
        expect(await one.mint(intent, testCall())).toMatchObject({ is: 'done', value: { credential: { id: intent.credential.id } } })
      }
      const next = minted(await mintWhole(issuer, intent), world.current)
      const again = minted(await mintWhole(open(), intent), world.current)
      expect(again.id).toBe(next.id)
      for (const [field, value] of Object.entries(next.fields)) expect(value.equals(again.fields[field])).toBe(true)
      expect((await listed(issuer)).length).toBeLessThanOrEqual(issuer.traits.slots)
    })

    law('a rotation that nobody triggered is refused', async (_world, issuer) => {
      if (issuer.collect === undefined) return
      expect(await issuer.collect('never-started', testCall())).toMatchObject({ is: 'refused' })
    })

    law('a made value whose answer was lost is found again, by tag or baseline, and by nothing else', async (world, issuer, open) => {
      if (world.inject === undefined || issuer.traits.value !== 'made' || issuer.traits.mint !== 'adds') return
      if (issuer.traits.asks?.includes('mint') === true) return
      const before = (await listed(issuer)).map(([id]) => id)
      await world.inject('answer-lost')
      await issuer.mint(intentOf(issuer, world.current, 'attempt-1'), testCall())
      const suspects = await suspectsOf(open(), 'attempt-1', before)
      expect(suspects?.length).toBe(issuer.traits.locate === 'none' ? undefined : 1)
      expect(suspects?.includes(world.current.id) ?? false).toBe(false)
    })
  })
}
