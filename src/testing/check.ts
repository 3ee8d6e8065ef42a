import type { Answer, TaskRequest } from '../kit/answer.ts'
import type { Check, CheckResult, Since } from '../kit/check.ts'
import type { Credential } from '../kit/issuer.ts'
import { callWithin } from './call.ts'
import { inWorldOf } from './in-world.ts'
import type { Runner } from './runner.ts'

/** `slow` never answers, `error` answers that it failed, `reset` breaks off in the middle, `gone` is not there. */
export type CheckFault = 'slow' | 'error' | 'reset' | 'gone'

/** A world of its own for one test. */
export interface CheckWorld {
  /** Passes while nothing is broken (with `good`, when it takes a credential). */
  readonly check: Check
  /** The same with an expectation that does not hold, for one that compares: not even while nothing got worse. */
  readonly wrong: Check
  /** For a check that takes a credential: one that is accepted, and one that is not. */
  readonly good?: Credential
  readonly bad?: Credential
  /** Texts that the outside shows to the check. None of them may come back. */
  readonly shown: readonly string[]
  /** Who is asked; there exactly when the traits say so. Answers what is so, declines what is not. */
  readonly person?: (task: TaskRequest) => 'answered' | 'declined'
  /** From now on the outside has this fault. */
  break(fault: CheckFault): Promise<void> | void
  /** For a check that compares: from now on the outside is worse than before, so that it fails. */
  worsen?(): Promise<void> | void
  close(): Promise<void>
}

/** The laws of {@link Check}. What is left out follows from its traits. */
export function checkSuite({ describe, it, expect }: Runner, title: string, open: () => Promise<CheckWorld>): void {
  const inWorld = inWorldOf(it, open)
  const hides = (world: CheckWorld, said: unknown): void => {
    const text = JSON.stringify(said)
    const values = [world.good, world.bad].flatMap((one) => Object.values(one?.fields ?? {}).map((field) => field.reveal()))
    for (const secret of [...world.shown, ...values]) expect(text).not.toContain(secret)
  }
  const verdict = (answer: Answer<CheckResult>): string => (answer.is === 'done' ? answer.value.verdict : answer.is)
  /** With the word of a person, where one is asked. */
  const settled = ({ person }: CheckWorld, answer: Answer<CheckResult>): string =>
    answer.is === 'ask' && person !== undefined ? (person(answer.task) === 'answered' ? 'pass' : 'fail') : verdict(answer)
  /** As the engine tells it after a change: now, and what it saw in preflight. */
  const sinceNow = (first: Answer<CheckResult>): Since => ({ at: Date.now(), before: first.is === 'done' ? first.value.evidence : {} })

  describe(`check: ${title}`, () => {
    inWorld('passes on a world that is well, again and again', async (world) => {
      const { check, good } = world
      expect(settled(world, await check.run(callWithin(10_000), good))).toBe('pass')
      expect(settled(world, await check.run(callWithin(10_000), good))).toBe('pass')
    })

    inWorld('fails when its expectation does not hold: it can fail (I12, C-05)', async (world) => {
      const { wrong, good } = world
      const first = await wrong.run(callWithin(10_000), good)
      const seen = wrong.traits.compares === true ? await wrong.run(callWithin(10_000), good, sinceNow(first)) : first
      expect(settled(world, seen)).toBe('fail')
    })

    inWorld('passes after a change while nothing got worse', async (world) => {
      const { check, good } = world
      const since = sinceNow(await check.run(callWithin(10_000), good))
      expect(settled(world, await check.run(callWithin(10_000), good, since))).toBe('pass')
      expect(settled(world, await check.run(callWithin(10_000), good, since))).toBe('pass')
    })

    inWorld('fails when it compares and it got worse; without what was before it is no pass (C-28)', async (world) => {
      const { check, good } = world
      expect(check.traits.compares === true).toBe(world.worsen !== undefined)
      if (world.worsen === undefined) return
      const since = sinceNow(await check.run(callWithin(10_000), good))
      await world.worsen()
      const worse = await check.run(callWithin(10_000), good, since)
      expect(verdict(worse)).toBe('fail')
      hides(world, worse)
      const unknown = await check.run(callWithin(10_000), good, { ...since, before: {} })
      expect(verdict(unknown)).not.toBe('pass')
    })

    inWorld('fails with a wrong credential, and is no proof when it takes none (I12, C-05)', async ({ check, good, bad }) => {
      expect(check.traits.takesCredential).toBe(bad !== undefined)
      expect(check.traits.takesCredential).toBe(good !== undefined)
      if (bad === undefined) return
      expect(verdict(await check.run(callWithin(10_000), bad))).toBe('fail')
      // Without one it has not looked.
      expect(verdict(await check.run(callWithin(10_000)))).toBe('inconclusive')
    })

    inWorld('asks a person exactly when its traits say so, the same at every look', async ({ check, person }) => {
      expect(person !== undefined).toBe(check.traits.asks === true)
      if (check.traits.asks !== true) return
      const first = await check.run(callWithin(10_000))
      expect(first).toMatchObject({ is: 'ask', task: { kind: 'confirm' } })
      expect(await check.run(callWithin(10_000))).toEqual(first)
    })

    inWorld('says numbers and labels, nothing of what it was shown (I11)', async (world) => {
      hides(world, world.check.title())
      const seen = await world.check.run(callWithin(10_000), world.good)
      hides(world, seen)
      for (const [name, value] of Object.entries(seen.is === 'done' ? seen.value.evidence : {})) {
        // The engine puts the place of the check before the name; a label has at most 120 characters (I11).
        expect(name.length).toBeLessThanOrEqual(100)
        expect(typeof value === 'number' ? Number.isFinite(value) : String(value).length <= 120).toBe(true)
      }
      hides(world, await world.wrong.run(callWithin(10_000), world.good))
      if (world.bad !== undefined) hides(world, await world.check.run(callWithin(10_000), world.bad))
    })

    for (const fault of ['error', 'reset', 'gone'] as const) {
      inWorld(`does not pass, does not throw and tells nothing when the outside has the fault: ${fault}`, async (world) => {
        await world.break(fault)
        const answer = await world.check.run(callWithin(10_000), world.good)
        expect(verdict(answer)).not.toBe('pass')
        hides(world, answer)
      })
    }

    inWorld('ends at the deadline, without a verdict (X-10)', async ({ check, good, break: fail }) => {
      await fail('slow')
      const call = callWithin(300)
      const answer = await check.run(call, good)
      expect(['inconclusive', 'unknown', 'refused', ...(check.traits.asks === true ? ['ask'] : [])]).toContain(verdict(answer))
      expect(Date.now()).toBeLessThan(call.deadline + 2_000)
    })

    inWorld('does not pass when the deadline has passed before it began', async ({ check, good }) => {
      const call = { ...callWithin(10_000), signal: AbortSignal.abort(), deadline: Date.now() }
      expect(verdict(await check.run(call, good))).not.toBe('pass')
    })
  })
}
