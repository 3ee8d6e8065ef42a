import { readEvents } from '../journal/read.ts'
import { foldProgress, type Progress } from '../journal/progress.ts'
import { KeyturnError } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { openStateIfAny, type Runtime } from '../runtime.ts'
import type { State } from '../state/open.ts'
import { listRotations, type RotationRow } from '../state/rotation.ts'

/** An open rotation: its journal folded, or what is wrong with its journal (JOURNAL_BROKEN). */
export type OpenRotation = { readonly row: RotationRow; readonly progress: Progress } | { readonly row: RotationRow; readonly broken: KeyturnError }

/** The open rotations, newest first. One whose journal is broken does not hide the others. Needs no identity. */
export async function status(runtime: Runtime, manifest: Manifest): Promise<OpenRotation[]> {
  const state = await openStateIfAny(runtime, manifest)
  if (state === undefined) return []
  try {
    const rows = await listRotations(state.db, { open: true })
    return await Promise.all(rows.map((row) => readOpen(state, row)))
  } finally {
    await state.close()
  }
}

async function readOpen(state: State, row: RotationRow): Promise<OpenRotation> {
  try {
    return { row, progress: foldProgress((await readEvents({ state }, row.id)).events) }
  } catch (thrown) {
    if (thrown instanceof KeyturnError && thrown.code === 'JOURNAL_BROKEN') return { row, broken: thrown }
    throw thrown
  }
}
