import type { Manifest } from '../manifest/model.ts'
import { type Watcher, withEngine } from './follow.ts'
import { openStateIfAny, type Runtime } from '../runtime.ts'
import { continueState, type Pause, pauseState, readPause } from '../state/pause.ts'

/**
 * Stops all rotations of the manifest's state: none is begun, and each that runs, in whatever process, stops after the step at hand,
 * within a third of its lease. What is on goes back with `abort` and `undo` all the same. Answers with the pause that holds now, and
 * whether it is this one.
 */
export function pause(runtime: Runtime, manifest: Manifest, reason: string, watcher: Watcher = {}): Promise<Pause & { readonly begun: boolean }> {
  return withEngine(runtime, manifest, watcher, async (engine) => {
    const wished = { by: engine.by, reason, at: engine.now() }
    const begun = await pauseState(engine.state, wished)
    return { ...((await readPause(engine.state.db)) ?? wished), begun }
  })
}

/** Ends the pause; what is due goes on with `keyturn run` or `keyturn resume`. Answers false when there was none. */
export function endPause(runtime: Runtime, manifest: Manifest, watcher: Watcher = {}): Promise<boolean> {
  return withEngine(runtime, manifest, watcher, (engine) => continueState(engine.state, { by: engine.by, at: engine.now() }))
}

/** The pause that holds now; none where there is no state yet. Needs no identity. */
export async function pausedBy(runtime: Runtime, manifest: Manifest): Promise<Pause | undefined> {
  const state = await openStateIfAny(runtime, manifest)
  try {
    return state === undefined ? undefined : await readPause(state.db)
  } finally {
    await state?.close()
  }
}
