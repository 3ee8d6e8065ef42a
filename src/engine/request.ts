import { KeyturnError } from '../kit/index.ts'
import { claim, release } from '../state/lease.ts'
import type { Engine } from './engine.ts'
import { endingBegun, pastReturn, type Progress } from './progress.ts'
import { Recorder } from './recorder.ts'

/**
 * Writes a person's wish into the journal; carrying it out is the next drive's. Throws NOT_NOW when it is not possible at this
 * point, with what is, and LOCKED while another run holds the rotation.
 */
export async function request(engine: Engine, rotation: string, wish: 'resume' | 'abort' | 'undo'): Promise<void> {
  const taken = await claim(engine.state.db, rotation, engine.owner, engine.now, engine.isDead, engine.leaseMs)
  try {
    const recorder = await Recorder.open(engine, taken.claim, taken.predecessor, taken.before)
    const { progress } = recorder
    if (progress.closed !== undefined) throw new KeyturnError('NOT_NOW', `it is closed: ${progress.closed.result}`)
    if (wish === 'resume') {
      await recorder.write({ type: 'rotation-resumed', by: engine.by })
      return
    }
    refuseTurn(progress, wish)
    await recorder.write({ type: 'turn-requested', by: engine.by, why: wish })
  } finally {
    await release(engine.state.db, taken.claim)
  }
}

function refuseTurn(progress: Progress, wish: 'abort' | 'undo'): void {
  if (progress.direction === 'back') throw new KeyturnError('NOT_NOW', 'it goes back already')
  if (pastReturn(progress)) throw new KeyturnError('NOT_NOW', 'the old credential is gone; the way is forward', { hint: 'Rotate again when the new one must not be used.' })
  const ending = endingBegun(progress)
  if (wish === 'abort' && ending) throw new KeyturnError('NOT_NOW', 'the old credential is off already', { hint: 'Use `keyturn undo`: it turns the old one on again.' })
  if (wish === 'undo' && !ending) throw new KeyturnError('NOT_NOW', 'the old credential is still on', { hint: 'Use `keyturn abort`: it rolls back.' })
}
