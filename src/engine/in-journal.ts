import { KeyturnError } from '../kit/index.ts'
import { claim, release } from '../state/lease.ts'
import type { Engine } from './engine.ts'
import { Recorder } from './recorder.ts'

/**
 * Holds a rotation for what a person wants written into its journal; carrying it out is the next drive's. Throws LOCKED while another
 * run holds it, NOT_NOW when it is closed, and what `body` throws; the rotation is let go in any case.
 */
export async function inJournal(engine: Engine, rotation: string, body: (recorder: Recorder) => Promise<void>): Promise<void> {
  const taken = await claim(engine.state.db, rotation, engine.owner, engine.state.clock, engine.isDead, engine.leaseMs)
  try {
    const recorder = await Recorder.open(engine, taken.claim, taken.predecessor, taken.before)
    const { closed } = recorder.progress
    if (closed !== undefined) throw new KeyturnError('NOT_NOW', `it is closed: ${closed.result}`)
    await body(recorder)
  } finally {
    await release(engine.state.db, taken.claim)
  }
}
