import type { Engine } from '../engine/engine.ts'
import { openRotation, planSecret } from '../engine/rotate.ts'
import { KeyturnError } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { agendaOf } from '../schedule/agenda.ts'
import { readPause } from '../state/pause.ts'
import { readPast } from './past.ts'

/** Told of each secret whose rotation could not be begun; it is tried again. */
export type OnFailure = (secret: string, error: KeyturnError) => void

/**
 * Opens a rotation of every secret whose time has come, as the manifest's schedule says; without one, of none. Whoever goes on with
 * what is due carries them out. Of several workers that do this at the same time one opens each; a state that is paused opens none.
 */
export async function beginDue(engine: Engine, manifest: Manifest, onFailure: OnFailure): Promise<void> {
  const { schedule } = manifest
  if (schedule === undefined || (await readPause(engine.state.db)) !== undefined) return
  const now = engine.now()
  const agenda = agendaOf(schedule, Object.values(manifest.secrets), await readPast(manifest, engine.state.db, now), now)
  for (const { secret, cause, begins } of agenda) {
    if (engine.interrupt.aborted || begins === undefined || begins > now) return
    try {
      const { identity } = engine.state
      const plan = await planSecret(engine, manifest, secret, { look: true, ...(identity === undefined ? {} : { identity }) })
      // Whoever set the windows has said when users may feel it.
      const windows = manifest.secrets[secret]?.schedule?.windows ?? schedule.windows
      await openRotation(engine, plan, { reason: `scheduled: ${cause}`, acceptImpact: windows.length > 0, alone: schedule.serial })
    } catch (thrown) {
      if (!(thrown instanceof KeyturnError)) throw thrown
      // Another worker was faster.
      if (thrown.code !== 'ROTATION_OPEN') onFailure(secret, thrown)
    }
  }
}
