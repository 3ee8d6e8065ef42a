import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from '../../manifest/model.ts'
import { STATE_FILE } from '../../state/open.ts'
import { listRotations, type RotationRow } from '../../state/rotation.ts'
import { historyLines, historyOf } from '../../views/history.ts'
import { EXIT } from '../exit.ts'
import { openStateToRead } from '../../runtime.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

/** `keyturn history [secret]`: every rotation with its result. Needs no identity. */
export async function run(session: Session, [secret]: readonly string[], options: CommonOptions): Promise<number> {
  const rotations = (await rowsOf(await manifestOf(options), secret)).map(historyOf)
  if (options.json === true) session.terminal.out(JSON.stringify({ rotations }, null, 2))
  else for (const line of historyLines(rotations, session.terminal.paint)) session.terminal.out(line)
  return EXIT.done
}

/** None before the first rotation: there is no state yet, and looking makes none. */
async function rowsOf(manifest: Manifest, secret: string | undefined): Promise<RotationRow[]> {
  if (!existsSync(join(manifest.state, STATE_FILE))) return []
  const state = await openStateToRead(manifest)
  try {
    return await listRotations(state.db, secret === undefined ? {} : { secret })
  } finally {
    await state.close()
  }
}
