import { ownerIsDead } from '../../engine/owner.ts'
import { foldProgress } from '../../journal/progress.ts'
import { readEvents } from '../../journal/read.ts'
import { KeyturnError } from '../../kit/index.ts'
import { readLedger, secretKey } from '../../state/ledger.ts'
import type { State } from '../../state/open.ts'
import { readReceipt } from '../../proof/receipts.ts'
import { findRotation } from '../../state/rotation.ts'
import { showLines } from '../../views/show.ts'
import { statusOf } from '../../views/status.ts'
import { EXIT } from '../exit.ts'
import { readingState } from '../../runtime.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly events?: boolean
  readonly receipt?: boolean
}

/** `keyturn show ROTATION`: everything that its journal says. Needs no identity. */
export async function run(session: Session, [id]: readonly string[], options: Options): Promise<number> {
  return readingState(session.runtime, await manifestOf(options), async (state) => {
    const row = await findRotation(state.db, id ?? '')
    if (options.receipt === true) return showReceipt(session, state, row.id)
    const { events } = await readEvents({ state }, row.id)
    const progress = foldProgress(events)
    const ledger = await readLedger(state.db, secretKey(row.system, row.environment, row.secret))
    const status = statusOf(row, progress, Date.now(), ownerIsDead)
    if (options.json === true) {
      session.terminal.out(JSON.stringify({ ...status, plan: progress.plan, events: events.slice(1), ledger }, null, 2))
    } else {
      for (const line of showLines(status, progress, events, ledger, options.events === true, session.terminal.paint)) session.terminal.out(line)
    }
    return EXIT.done
  })
}

/** As it was signed, byte for byte: into a file it verifies with `keyturn audit verify --receipt`. */
async function showReceipt({ terminal }: Session, state: State, rotation: string): Promise<number> {
  const text = await readReceipt(state, rotation)
  if (text === undefined) throw new KeyturnError('NOT_NOW', `${rotation} has no receipt`, { hint: 'A rotation gets one before it is closed; see `keyturn show` for where it stands.' })
  terminal.out(text.trimEnd())
  return EXIT.done
}
