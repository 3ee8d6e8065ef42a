import type { Engine } from '../../engine/engine.ts'
import { drive } from '../../engine/drive.ts'
import { keysOf } from '../../engine/rotate.ts'
import { KeyturnError } from '../../kit/index.ts'
import type { Manifest } from '../../manifest/model.ts'
import { listRotations, nextDue, type RotationRow } from '../../state/rotation.ts'
import { EXIT, exitOfRun } from '../exit.ts'
import { progressPrinter, tellRun } from '../report.ts'
import { type CommonOptions, engineFor, manifestOf, plannerOf, type Session, stateFor } from '../session.ts'

interface Options extends CommonOptions {
  readonly once?: boolean
}

/** Without a nearer due time the state is looked at this often: another process may have opened something. */
const SCAN_MS = 1_000

/** `keyturn run`: goes on with everything that is due; `--once` for cron. One that fails does not keep the others from going on. */
export async function run(session: Session, _: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const state = await stateFor(session, manifest)
  try {
    const engine = engineFor(session, state, progressPrinter(session.terminal, options.json === true))
    let worst: number = EXIT.done
    while (!session.interrupt.aborted) {
      const due = await listRotations(state.db, { open: true, dueBy: engine.now() })
      for (const row of due) worst = Math.max(worst, await runOne(session, engine, manifest, row, options))
      if (options.once === true) return worst
      const next = await nextDue(state.db)
      const pause = next === undefined ? SCAN_MS : Math.min(SCAN_MS, Math.max(10, next - engine.now()))
      await engine.sleep(pause, session.interrupt)
    }
    return EXIT.done
  } finally {
    await state.close()
  }
}

async function runOne(session: Session, engine: Engine, manifest: Manifest, row: RotationRow, options: Options): Promise<number> {
  const json = options.json === true
  try {
    const manifestKeys = await keysOf(plannerOf(session), manifest, row.secret)
    const stopped = await drive(engine, row.id, manifestKeys === undefined ? {} : { manifestKeys })
    await tellRun(session.terminal, engine, row.id, stopped, json)
    return exitOfRun(stopped)
  } catch (thrown) {
    // Another run has it, or took it over: that one goes on with it.
    if (thrown instanceof KeyturnError && (thrown.code === 'LOCKED' || thrown.code === 'FENCED')) return EXIT.done
    throw thrown
  }
}
