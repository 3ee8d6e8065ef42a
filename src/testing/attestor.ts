import type { Attestation, Attestor, Instance, Presented } from '../kit/consumer.ts'
import { callWithin } from './call.ts'
import type { CheckFault } from './check.ts'
import { type Held, valueOf } from './consumer.ts'
import { inWorldOf } from './in-world.ts'
import type { Runner } from './runner.ts'

/** A world of its own for one test. */
export interface AttestorWorld {
  readonly attestor: Attestor
  readonly instance: Instance
  readonly next: Presented
  readonly old: Presented
  /** From now on the instance holds this. */
  hold(which: Held): void
  /** From now on the outside has this fault. */
  break(fault: CheckFault): Promise<void> | void
  close(): Promise<void>
}

/** The laws of {@link Attestor}. */
export function attestorSuite({ describe, it, expect }: Runner, title: string, open: () => Promise<AttestorWorld>): void {
  const inWorld = inWorldOf(it, open)
  const attest = async (world: AttestorWorld, ms = 10_000): Promise<Attestation> =>
    valueOf(await world.attestor.attest(world.instance, world.next, world.old, callWithin(ms)))

  describe(`attestor: ${title}`, () => {
    for (const held of ['new', 'old', 'neither'] as const) {
      inWorld(`says ${held} of an instance that holds ${held}, and shows no value`, async (world) => {
        world.hold(held)
        const attestation = await attest(world)
        expect(attestation).toMatchObject({ holds: held, by: world.attestor.proof })
        const shown = [world.next, world.old].flatMap(({ fields, entries }) => [fields, entries])
        for (const value of shown.flatMap((one) => Object.values(one))) expect(JSON.stringify(attestation)).not.toContain(value.reveal())
      })
    }

    inWorld('says neither, not new, of an instance that holds the old value when no old one is known', async (world) => {
      world.hold('old')
      const answer = await world.attestor.attest(world.instance, world.next, undefined, callWithin(10_000))
      expect(valueOf(answer).holds).toBe('neither')
    })

    for (const fault of ['error', 'reset', 'gone'] as const) {
      inWorld(`has not seen it when the outside has the fault: ${fault}`, async (world) => {
        world.hold('new')
        await world.break(fault)
        expect((await attest(world)).holds).toBe('unseen')
      })
    }

    inWorld('ends at the deadline (X-10)', async (world) => {
      world.hold('new')
      await world.break('slow')
      const began = Date.now()
      expect((await attest(world, 300)).holds).toBe('unseen')
      expect(Date.now()).toBeLessThan(began + 2_300)
    })
  })
}
