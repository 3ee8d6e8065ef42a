import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { foldProgress } from '../../engine/progress.ts'
import { readEvents } from '../../engine/recorder.ts'
import { STATE_FILE } from '../../state/open.ts'
import { listRotations } from '../../state/rotation.ts'
import { type RotationStatus, statusLines, statusOf } from '../../views/status.ts'
import { EXIT } from '../exit.ts'
import { type CommonOptions, manifestOf, type Session, stateToRead } from '../session.ts'

/** `keyturn status`: what is open and what it waits for. Needs no identity. Exits 4 or 6 like a run that stopped there. */
export async function run(session: Session, _: readonly string[], options: CommonOptions): Promise<number> {
  const manifest = await manifestOf(options)
  const open: RotationStatus[] = []
  if (existsSync(join(manifest.state, STATE_FILE))) {
    const state = await stateToRead(manifest)
    try {
      for (const row of await listRotations(state.db, { open: true })) {
        const { events } = await readEvents({ state }, row.id)
        open.push(statusOf(row, foldProgress(events), Date.now()))
      }
    } finally {
      await state.close()
    }
  }
  if (options.json === true) session.terminal.out(JSON.stringify({ open }, null, 2))
  else for (const line of statusLines(open, session.terminal.paint)) session.terminal.out(line)
  return EXIT.done
}
