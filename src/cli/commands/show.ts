import { foldProgress } from '../../engine/progress.ts'
import { readEvents } from '../../engine/recorder.ts'
import { readLedger, secretKey } from '../../state/ledger.ts'
import { findRotation } from '../../state/rotation.ts'
import { showLines } from '../../views/show.ts'
import { statusOf } from '../../views/status.ts'
import { EXIT } from '../exit.ts'
import { openStateToRead } from '../../runtime.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly events?: boolean
}

/** `keyturn show ROTATION`: everything that its journal says. Needs no identity. */
export async function run(session: Session, [id]: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const state = await openStateToRead(manifest)
  try {
    const row = await findRotation(state.db, id ?? '')
    const { events } = await readEvents({ state }, row.id)
    const progress = foldProgress(events)
    const ledger = await readLedger(state.db, secretKey(row.system, row.environment, row.secret))
    const status = statusOf(row, progress, Date.now())
    if (options.json === true) {
      session.terminal.out(JSON.stringify({ ...status, plan: progress.plan, events: events.slice(1), ledger }, null, 2))
    } else {
      for (const line of showLines(status, progress, events, ledger, options.events === true, session.terminal.paint)) session.terminal.out(line)
    }
    return EXIT.done
  } finally {
    await state.close()
  }
}
