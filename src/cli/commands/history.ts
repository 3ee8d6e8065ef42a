import { listRotations } from '../../state/rotation.ts'
import { historyLines, historyOf } from '../../views/history.ts'
import { EXIT } from '../exit.ts'
import { openStateToRead } from '../../runtime.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

/** `keyturn history [secret]`: every rotation with its result. Needs no identity. */
export async function run(session: Session, [secret]: readonly string[], options: CommonOptions): Promise<number> {
  const manifest = await manifestOf(options)
  const state = await openStateToRead(manifest)
  try {
    const rotations = (await listRotations(state.db, secret === undefined ? {} : { secret })).map(historyOf)
    if (options.json === true) session.terminal.out(JSON.stringify({ rotations }, null, 2))
    else for (const line of historyLines(rotations, session.terminal.paint)) session.terminal.out(line)
    return EXIT.done
  } finally {
    await state.close()
  }
}
