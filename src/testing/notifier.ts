import { inspect } from 'node:util'
import type { Notice, Notifier } from '../kit/notifier.ts'
import type { Secret } from '../kit/secret.ts'
import { callWithin } from './call.ts'
import type { CheckFault } from './check.ts'
import { inWorldOf } from './in-world.ts'
import type { Runner } from './runner.ts'

/** What a receiver got. */
export interface Delivery {
  /** What the receiver tells two deliveries of one notice by. */
  readonly id: string
  /** All that it shows of the notice. */
  readonly text: string
}

/** A world of its own for one test. */
export interface NotifierWorld {
  readonly notifier: Notifier
  /** What arrived so far, the oldest first; after a fault too. */
  received(): readonly Delivery[]
  /** What the notifier works with: tokens, keys. They are never told. */
  readonly secrets: readonly Secret[]
  /** From now on the outside has this fault. */
  break(fault: CheckFault): Promise<void> | void
  close(): Promise<void>
}

const NOTICE: Notice = {
  id: 'note-1',
  kind: 'rotation-paused',
  severity: 'critical',
  title: 'a consumer did not take the new value',
  facts: { instances: 3, stale: 'gateway-2', resumable: true },
  system: 'atlas',
  environment: 'staging',
  owner: 'platform',
  secret: 'database',
  rotation: 'r-20260101-a1',
  at: Date.UTC(2026, 0, 1, 3),
  advice: { actions: ['See which instance.'], contacts: ['the people on call'], link: 'https://runbooks.example/stale' },
}

/** The laws of {@link Notifier}. */
export function notifierSuite({ describe, it, expect }: Runner, title: string, open: () => Promise<NotifierWorld>): void {
  const inWorld = inWorldOf(it, open)

  describe(`notifier: ${title}`, () => {
    inWorld('delivers a notice with all that it says', async ({ notifier, received }) => {
      const answer = await notifier.notify(NOTICE, callWithin(10_000))
      expect(answer.is, inspect(answer)).toBe('done')
      expect(received().length).toBe(1)
      const { kind, severity, title: words, system, environment, owner, secret, rotation, facts, advice } = NOTICE
      const { actions = [], contacts = [], link } = advice ?? {}
      for (const part of [kind, severity, words, system, environment, owner, secret, rotation, ...Object.values(facts), ...actions, ...contacts, link]) {
        expect(received()[0]?.text).toContain(String(part))
      }
    })

    inWorld('delivers a notice that is about no secret and no rotation', async ({ notifier, received }) => {
      const { secret: _secret, rotation: _rotation, owner: _owner, advice: _advice, ...bare } = NOTICE
      expect((await notifier.notify(bare, callWithin(10_000))).is).toBe('done')
      expect(received()[0]?.text).not.toContain('undefined')
    })

    inWorld('gives a receiver what it needs to drop a notice that it has already', async ({ notifier, received }) => {
      for (const id of ['note-1', 'note-1', 'note-2']) await notifier.notify({ ...NOTICE, id }, callWithin(10_000))
      const [first, again, other] = received().map(({ id }) => id)
      expect(again).toBe(first)
      expect(other === first).toBe(false)
    })

    for (const fault of ['error', 'reset', 'gone'] as const) {
      inWorld(`does not claim a delivery, and tells nothing, when the outside has the fault: ${fault}`, async (world) => {
        await world.break(fault)
        const answer = await world.notifier.notify(NOTICE, callWithin(10_000))
        expect(['refused', 'unknown']).toContain(answer.is)
        for (const secret of world.secrets) expect(inspect(answer, { depth: 9 })).not.toContain(secret.reveal())
      })
    }

    inWorld('shows none of its secrets in its title or in what it sends', async ({ notifier, received, secrets }) => {
      await notifier.notify(NOTICE, callWithin(10_000))
      for (const secret of secrets) expect(notifier.title() + (received()[0]?.text ?? '')).not.toContain(secret.reveal())
    })

    inWorld('ends at the deadline (X-10)', async (world) => {
      await world.break('slow')
      const call = callWithin(300)
      expect(['refused', 'unknown']).toContain((await world.notifier.notify(NOTICE, call)).is)
      expect(Date.now()).toBeLessThan(call.deadline + 2_000)
    })

    inWorld('sends nothing when the deadline has passed before it began', async ({ notifier, received }) => {
      const call = { ...callWithin(10_000), signal: AbortSignal.abort(), deadline: Date.now() }
      expect((await notifier.notify(NOTICE, call)).is).toBe('refused')
      expect(received().length).toBe(0)
    })
  })
}
