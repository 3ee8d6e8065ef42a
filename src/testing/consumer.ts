import type { Answer, TaskRequest } from '../kit/answer.ts'
import type { Consumer, Instance, Presented } from '../kit/consumer.ts'
import { attendedConsumer } from './attended.ts'
import { callWithin } from './call.ts'
import { inWorldOf } from './in-world.ts'
import type { Runner } from './runner.ts'
import { until } from './until.ts'

/** `slow`: a reload does not come to its end; `error`: a reload fails; `gone`: one instance has ended. */
export type ConsumerFault = 'slow' | 'error' | 'gone'

export type Held = 'new' | 'old' | 'neither'

/** A world of its own for one test: instances run and hold `old`, the stores hold `old`. */
export interface ConsumerWorld {
  readonly consumer: Consumer
  /** Opened a second time with the same configuration. */
  readonly again: Consumer
  readonly next: Presented
  readonly old: Presented
  /** Writes a credential where the consumer reads it. Nothing is reloaded. */
  publish(which: Presented): Promise<void> | void
  /** What an instance really holds, found out without the consumer. Undefined when it does not answer. */
  truth(name: string): Promise<Held | undefined>
  /** Reloads by hand; there exactly when the traits say that a person is asked. */
  readonly person?: (task: TaskRequest) => Promise<void>
  /** From now on the outside has this fault; a reload by hand has none. */
  break(fault: ConsumerFault): Promise<void> | void
  close(): Promise<void>
}

/** The value of an answer that has to be done. */
export function valueOf<T>(answer: Answer<T>): T {
  if (answer.is === 'done') return answer.value
  throw new Error(answer.is === 'ask' ? 'asked a person' : `${answer.is} ${answer.code} ${answer.about ?? ''}`)
}

/** The laws of {@link Consumer}. What is left out follows from its traits. */
export function consumerSuite({ describe, it, expect }: Runner, title: string, open: () => Promise<ConsumerWorld>): void {
  const inWorld = inWorldOf(it, async () => {
    const world = await open()
    return { ...world, alone: world.consumer, consumer: attendedConsumer(world.consumer, world.person) }
  })
  const listed = async ({ consumer }: ConsumerWorld): Promise<readonly Instance[]> => {
    const { all, complete } = valueOf(await consumer.instances(callWithin(10_000)))
    expect(complete).toBe(true)
    return all
  }
  const attested = async ({ consumer, next, old }: ConsumerWorld, instance: Instance): Promise<string> =>
    valueOf(await consumer.attest(instance, next, old, callWithin(10_000))).holds
  const hides = ({ next, old }: ConsumerWorld, said: unknown): void => {
    const text = JSON.stringify(said)
    for (const { fields, entries } of [next, old]) {
      for (const value of [...Object.values(fields), ...Object.values(entries)]) expect(text).not.toContain(value.reveal())
    }
  }
  /** Every instance is as expected by the truth, and attests that or, without a proof of its own, nothing. */
  const allHold = async (world: ConsumerWorld, held: Held): Promise<void> => {
    const all = await listed(world)
    for (const instance of all) {
      await until(async () => (await world.truth(instance.name)) === held)
      const { attest } = world.consumer.traits
      expect(await attested(world, instance)).toBe(attest === 'none' || attest === 'inferred' ? 'unseen' : held)
    }
  }

  describe(`consumer: ${title}`, () => {
    inWorld('has one name, however often it is opened', async ({ consumer, again }) => {
      expect(consumer.identity()).toBe(again.identity())
      expect(consumer.identity().startsWith('consumer:')).toBe(true)
      expect(consumer.title()).not.toBe('')
    })

    inWorld('lists its instances afresh: names differ, ids stay while nothing is reloaded', async (world) => {
      const first = await listed(world)
      expect(first.length).toBeGreaterThan(0)
      expect(new Set(first.map(({ name }) => name)).size).toBe(first.length)
      expect(new Set(first.map(({ id }) => id)).size).toBe(first.length)
      expect(first.every(({ ready }) => ready)).toBe(true)
      expect(await listed(world)).toEqual(first)
    })

    inWorld('looks before it acts and changes nothing by it', async (world) => {
      const before = await listed(world)
      valueOf(await world.consumer.preflight(callWithin(10_000)))
      expect(await listed(world)).toEqual(before)
      await allHold(world, 'old')
    })

    inWorld('never attests the new value before a reload, even when the stores have it', async (world) => {
      await allHold(world, 'old')
      await world.publish(world.next)
      for (const instance of await listed(world)) expect(await attested(world, instance)).not.toBe('new')
    })

    inWorld('reloads every instance, which is ready again when that is done; repeating it is harmless', async (world) => {
      await world.publish(world.next)
      for (const _ of [1, 2]) {
        valueOf(await world.consumer.reload(callWithin(25_000)))
        expect((await listed(world)).every(({ ready }) => ready)).toBe(true)
        await allHold(world, 'new')
      }
    })

    inWorld('goes back the same way', async (world) => {
      await world.publish(world.next)
      valueOf(await world.consumer.reload(callWithin(25_000)))
      await world.publish(world.old)
      valueOf(await world.consumer.reload(callWithin(25_000)))
      await allHold(world, 'old')
    })

    inWorld('says numbers and labels, no value (I11)', async (world) => {
      await world.publish(world.next)
      const { consumer } = world
      const answers: unknown[] = [consumer.title(), consumer.identity(), await consumer.preflight(callWithin(10_000))]
      answers.push(await consumer.reload(callWithin(25_000)))
      for (const instance of await listed(world)) {
        answers.push(instance, await world.consumer.attest(instance, world.next, world.old, callWithin(10_000)))
      }
      if (consumer.traits.asks !== true) await world.break('error')
      answers.push(await world.consumer.reload(callWithin(2_000)))
      hides(world, answers)
    })

    inWorld('does not call a reload done that failed', async (world) => {
      if (world.consumer.traits.asks === true) return
      await world.break('error')
      const answer = await world.consumer.reload(callWithin(5_000))
      expect(answer.is).not.toBe('done')
    })

    inWorld('ends a reload at the deadline, with an unknown outcome (X-10)', async (world) => {
      if (world.consumer.traits.asks === true) return
      await world.break('slow')
      const call = callWithin(500)
      const answer = await world.consumer.reload(call)
      expect(answer.is).toBe('unknown')
      expect(Date.now()).toBeLessThan(call.deadline + 2_000)
    })

    inWorld('asks a person exactly when its traits say so, and reloads nothing by asking', async (world) => {
      const { alone } = world
      expect(world.person !== undefined).toBe(alone.traits.asks === true)
      if (alone.traits.asks !== true) return
      await world.publish(world.next)
      const answer = await alone.reload(callWithin(5_000))
      expect(answer).toMatchObject({ is: 'ask', task: { kind: 'confirm' } })
      if (answer.is === 'ask') expect(answer.task.steps.length).toBeGreaterThan(0)
      hides(world, answer)
      await allHold(world, 'old')
    })

    inWorld('starts no reload when the deadline has passed', async (world) => {
      const before = await listed(world)
      await world.publish(world.next)
      const answer = await world.consumer.reload({ ...callWithin(10_000), signal: AbortSignal.abort(), deadline: Date.now() })
      expect(answer.is).toBe('refused')
      expect(await listed(world)).toEqual(before)
      await allHold(world, 'old')
    })

    inWorld('does not list an instance as ready that has ended, nor attests for it', async (world) => {
      const before = await listed(world)
      await world.break('gone')
      const after = await listed(world)
      const [ended] = before.filter((one) => !after.some(({ name, ready }) => name === one.name && ready))
      expect(ended).toBeDefined()
      if (ended !== undefined) expect(await attested(world, ended)).toBe('unseen')
    })
  })
}
