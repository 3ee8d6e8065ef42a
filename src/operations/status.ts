import type { TimedEvent } from '../journal/event.ts'
import { readEvents } from '../journal/read.ts'
import { foldProgress, type Progress } from '../journal/progress.ts'
import { KeyturnError, type Notice } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { noticesOf } from '../notices/of-journal.ts'
import { openStateIfAny, type Runtime } from '../runtime.ts'
import type { State } from '../state/open.ts'
import { listRotations, type RotationRow } from '../state/rotation.ts'
import { address } from '../telling/route.ts'

/** An open rotation: its journal folded, with what the manifest's escalation table says to the trouble that it is in; or what is wrong with its journal (JOURNAL_BROKEN). */
export type OpenRotation = { readonly row: RotationRow; readonly progress: Progress; readonly advice?: Notice['advice'] } | { readonly row: RotationRow; readonly broken: KeyturnError }

/** The open rotations, newest first. One whose journal is broken does not hide the others. Needs no identity. */
export async function status(runtime: Runtime, manifest: Manifest): Promise<OpenRotation[]> {
  const state = await openStateIfAny(runtime, manifest)
  if (state === undefined) return []
  try {
    const rows = await listRotations(state.db, { open: true })
    return await Promise.all(rows.map((row) => readOpen(state, row, manifest)))
  } finally {
    await state.close()
  }
}

async function readOpen(state: State, row: RotationRow, manifest: Manifest): Promise<OpenRotation> {
  try {
    const { events } = await readEvents({ state }, row.id)
    const advice = adviceOf(row, events, manifest)
    return { row, progress: foldProgress(events), ...(advice === undefined ? {} : { advice }) }
  } catch (thrown) {
    if (thrown instanceof KeyturnError && thrown.code === 'JOURNAL_BROKEN') return { row, broken: thrown }
    throw thrown
  }
}

/** What the table of this manifest says; nothing to a rotation of another one that shares the state. */
function adviceOf({ id, system, environment }: RotationRow, events: readonly TimedEvent[], { routes = [], ...manifest }: Manifest): Notice['advice'] {
  const last = noticesOf(id, events).at(-1)
  if (last?.trouble !== 'begun' || system !== manifest.system || environment !== manifest.environment) return undefined
  const { advice: _, ...bare } = last
  return address(bare, routes, []).notice.advice
}
