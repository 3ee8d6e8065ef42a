import type { Manifest } from '../../manifest/model.ts'
import type { StoredEntry } from '../../state/journal.ts'
import { readNotes } from '../../state/note.ts'
import { listRotations, type RotationRow } from '../../state/rotation.ts'
import { KEPT } from '../../steps/snapshot.ts'
import { historyLines, historyOf, noteOf } from '../../views/history.ts'
import { EXIT } from '../exit.ts'
import { openStateIfAny, type Runtime } from '../../runtime.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

/** `keyturn history [secret]`: every rotation with its result, and what was noted beside them. Needs no identity. */
export async function run(session: Session, [secret]: readonly string[], options: CommonOptions): Promise<number> {
  const { rows, entries } = await read(session.runtime, await manifestOf(options), secret)
  const rotations = rows.map(historyOf)
  const notes = entries.map(noteOf)
  if (options.json === true) session.terminal.out(JSON.stringify({ rotations, ...(notes.length === 0 ? {} : { notes }) }, null, 2))
  else for (const line of historyLines(rotations, notes, session.terminal.paint)) session.terminal.out(line)
  return EXIT.done
}

/** None before the first rotation: there is no state yet, and looking makes none. */
async function read(runtime: Runtime, manifest: Manifest, secret: string | undefined): Promise<{ readonly rows: readonly RotationRow[]; readonly entries: readonly StoredEntry[] }> {
  const state = await openStateIfAny(runtime, manifest)
  if (state === undefined) return { rows: [], entries: [] }
  try {
    const { entries } = await readNotes(state.db)
    return {
      rows: await listRotations(state.db, secret === undefined ? {} : { secret }),
      // A snapshot is kept of every rotation, which is listed anyway.
      entries: entries.filter(({ type, body }) => type !== KEPT && (secret === undefined || body['secret'] === secret)).toReversed(),
    }
  } finally {
    await state.close()
  }
}
