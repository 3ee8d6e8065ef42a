import type { Engine } from '../engine/engine.ts'
import { inJournal } from '../engine/in-journal.ts'
import { CLOCK, type Progress, USAGE } from '../journal/progress.ts'
import { endingBegun, pastReturn } from '../journal/steps.ts'
import { KeyturnError, label } from '../kit/index.ts'
import { isOneWay } from '../plan/steps.ts'

/** What a person answers for, and why. */
export interface Acknowledgement {
  /** Instances by their names, `clock`, or `usage`. */
  readonly what: readonly string[]
  readonly reason: string
}

/**
 * Writes a person's wish into the journal; carrying it out is the next drive's. Throws NOT_NOW when it is not possible at this
 * point, with what is, and LOCKED while another run holds the rotation.
 */
export async function request(engine: Engine, rotation: string, wish: 'resume' | 'abort' | 'undo'): Promise<void> {
  await inJournal(engine, rotation, async (recorder) => {
    if (wish === 'resume') return recorder.write({ type: 'rotation-resumed', by: engine.by })
    refuseTurn(recorder.progress, wish)
    return recorder.write({ type: 'turn-requested', by: engine.by, why: wish })
  })
}

/**
 * A named person answers for instances that cannot prove what they hold (gone for good, an attestation that broke), for the clock as
 * it is now, or that nobody uses what is ended where the issuer does not show it. It stands in for a proof, never against one: an
 * instance that proves to hold the old value still holds the gate. Throws USAGE for a name that neither the plan nor the trouble at
 * hand knows.
 */
export async function acknowledge(engine: Engine, rotation: string, { what, reason }: Acknowledgement): Promise<void> {
  await inJournal(engine, rotation, async (recorder) => {
    const { progress } = recorder
    const known = progress.plan.waves.flat().flatMap((consumer) => consumer.instances)
    const mentioned = [...(progress.held?.reasons ?? []), progress.paused?.about ?? ''].join(' ').split(/[\s,:]+/)
    for (const name of what) {
      if (name === CLOCK || name === USAGE || known.includes(name) || mentioned.includes(label(name))) continue
      throw new KeyturnError('USAGE', `there is no instance ${label(name)} to answer for`, { hint: `Name one of: ${[...known, CLOCK, USAGE].join(', ')}.` })
    }
    for (const name of what) await recorder.write({ type: 'acknowledged', what: name, by: engine.by, reason })
  })
}

function refuseTurn(progress: Progress, wish: 'abort' | 'undo'): void {
  if (progress.direction === 'back') throw new KeyturnError('NOT_NOW', 'it goes back already')
  if (pastReturn(progress)) throw new KeyturnError('NOT_NOW', isOneWay(progress.plan) ? 'the provider replaces the old credential, and nobody can make it again; the way is forward' : 'the old credential is gone; the way is forward', { hint: 'Rotate again when the new one must not be used.' })
  const ending = endingBegun(progress)
  if (wish === 'abort' && ending) throw new KeyturnError('NOT_NOW', 'the old credential is off already', { hint: 'Use `keyturn undo`: it turns the old one on again.' })
  if (wish === 'undo' && !ending) throw new KeyturnError('NOT_NOW', 'the old credential is still on', { hint: 'Use `keyturn abort`: it rolls back.' })
}
