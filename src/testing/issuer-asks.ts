import { inspect } from 'node:util'
import type { Answer } from '../kit/answer.ts'
import type { Issuer } from '../kit/issuer.ts'
import { intentOf, listed, testCall } from './issuer-acts.ts'
import { type IssuerWorld, lawsOf } from './issuer-law.ts'
import type { Runner } from './runner.ts'

/** The laws of what only a person can do. They pass by an issuer that asks nothing. */
export function askLaws({ describe, it, expect }: Runner, name: string, make: () => Promise<IssuerWorld>): void {
  const { law, expectVerdict } = lawsOf({ it, expect }, make)
  /** As the engine calls it, with nobody there yet. */
  const alone = (world: IssuerWorld): Issuer => world.open()
  const expectTask = (answer: Answer<unknown>, kind: string): void => {
    expect(answer.is, inspect(answer)).toBe('ask')
    if (answer.is !== 'ask') return
    expect(answer.task.kind).toBe(kind)
    expect(answer.task.title.length).toBeGreaterThan(0)
    expect(answer.task.steps.length).toBeGreaterThan(0)
    expect([answer.task.title, ...answer.task.steps].join('').includes('{'), 'a placeholder is left').toBe(false)
  }

  describe(`${name}: an issuer that asks`, () => {
    law('asks for a mint exactly when its traits say so, for every secret field, and makes nothing by it', async (world, issuer) => {
      const asks = issuer.traits.asks?.includes('mint') === true
      expect(world.person !== undefined).toBe((issuer.traits.asks?.length ?? 0) > 0)
      if (!asks) return
      expect(issuer.traits.value).toBe('made')
      expect(issuer.traits.mint === 'triggers').toBe(false)
      const before = await listed(issuer)
      const one = alone(world)
      const [first, again] = [await one.mint(intentOf(one, world.current, 'attempt-1'), testCall()), await alone(world).mint(intentOf(one, world.current, 'attempt-1'), testCall())]
      expectTask(first, 'mint')
      expect(again).toEqual(first)
      const asked = first.is === 'ask' ? (first.task.fields ?? []) : []
      for (const field of Object.keys(issuer.traits.fields)) expect(asked.includes(field), field).toBe(true)
      expect(await listed(issuer)).toEqual(before)
      await expectVerdict(issuer, world.current, 'accepted')
    })

    law('asks for an end exactly when its traits say so, names the credential, and ends nothing by it', async (world, issuer) => {
      const before = await listed(issuer)
      for (const state of [...issuer.traits.ends, ...(issuer.traits.ends.includes('off') ? ['on' as const] : [])]) {
        if (issuer.traits.asks?.includes(state) !== true) continue
        const [first, again] = [await alone(world).set(world.current.id, state, testCall()), await alone(world).set(world.current.id, state, testCall())]
        expectTask(first, state === 'on' ? 'confirm' : 'end')
        expect(JSON.stringify(first).includes(world.current.id), 'which one is not said').toBe(true)
        expect(again).toEqual(first)
        expect(await listed(issuer)).toEqual(before)
        await expectVerdict(issuer, world.current, 'accepted')
      }
    })

    law('asks nobody to end what was never made', async (world, issuer) => {
      if (issuer.traits.value !== 'made' || issuer.traits.asks?.includes('gone') !== true) return
      const one = alone(world)
      expect((await one.set(one.propose(world.current).id, 'gone', testCall())).is).toBe('done')
    })
  })
}
