import { refreshIncidents } from '../emergency/files.ts'
import { drive, type DriveOptions, type Stopped } from '../engine/drive.ts'
import type { Engine, Late } from '../engine/engine.ts'
import { keysOf } from '../engine/rotate.ts'
import type { TimedEvent } from '../journal/event.ts'
import type { Progress } from '../journal/progress.ts'
import type { Manifest } from '../manifest/model.ts'
import { receiptFile } from '../proof/receipts.ts'
import { engineFor, openStateFor, plannerFor, type Runtime, sleep } from '../runtime.ts'
import { findRotation } from '../state/rotation.ts'
import { barrierOf } from './batch.ts'
import { existsSync } from 'node:fs'
import { Teller } from './tell.ts'

/** Where a run of a rotation stopped, and the receipt when there is one. */
export type Outcome = Stopped & { readonly rotation: string; readonly receipt?: string }

/** What the caller is told while a run goes on. */
export interface Watcher {
  /** After each event is on disk. */
  readonly onEvent?: (rotation: string, event: TimedEvent, progress: Progress) => void
  /** While a late effect of an earlier run or try is waited out, several times a second. */
  readonly onLate?: (rotation: string, late: Late, progress: Progress) => void
  /** About once a second while it waits. */
  readonly onWait?: (stopped: Stopped & { is: 'waiting' }, now: number) => void
  /** The first run made an identity here, of which a copy must be kept. */
  readonly onNewIdentity?: (path: string) => void
}

export interface RunOptions extends Watcher {
  /** Stay through waits instead of answering `waiting`. */
  readonly wait?: boolean
}

/** A wait this short is stayed for even without `wait`: ending and coming back would take longer. */
const BRIEF_MS = 1_500

/** Opens state and engine for one operation, and closes them after it. What is worth telling is told on the way and at the end, within some seconds. */
export async function withEngine<T>(runtime: Runtime, manifest: Manifest, watcher: Watcher, body: (engine: Engine, teller: Teller) => Promise<T>): Promise<T> {
  const { state, madeIdentity } = await openStateFor(runtime, manifest)
  if (madeIdentity !== undefined) watcher.onNewIdentity?.(madeIdentity)
  const teller = new Teller({ ...plannerFor(runtime), state, sleep, ...(runtime.notice === undefined ? {} : { notice: runtime.notice }) }, manifest)
  try {
    return await body(engineFor(runtime, state, teller.watching(watcher)), teller)
  } finally {
    await teller.finish(runtime.interrupt.aborted)
    await state.close()
  }
}

/** Carries a rotation on to where nothing can be done now, or with `wait` to its end. */
export async function follow(engine: Engine, manifest: Manifest, rotation: string, options: RunOptions): Promise<Outcome> {
  const { secret } = await findRotation(engine.state.db, rotation)
  const keys = await keysFor(engine, manifest, secret)
  while (true) {
    const stopped = await drive(engine, rotation, keys)
    if (engine.interrupt.aborted || !isStayedFor(stopped, engine.now(), options)) return stopOf(engine, rotation, stopped)
    while (engine.now() < stopped.again && !engine.interrupt.aborted) {
      options.onWait?.(stopped, engine.now())
      await engine.sleep(Math.min(1_000, stopped.again - engine.now()), engine.interrupt)
    }
  }
}

/** Whether a run stays for it: a wait that somebody wants to stay for, a short one, or the pause between two restarts. */
export function isStayedFor(stopped: Stopped, now: number, { wait = false }: RunOptions): stopped is Stopped & { is: 'waiting' } {
  if (stopped.is !== 'waiting') return false
  return wait || stopped.why === 'pause' || ((stopped.why === 'grace' || stopped.why === 'undo') && stopped.until - now <= BRIEF_MS)
}

/** What the gate compares the plan with, see {@link keysOf}; and what the others say with which it was begun. */
export async function keysFor(engine: Engine, manifest: Manifest, secret: string): Promise<DriveOptions> {
  const manifestKeys = await keysOf(engine, manifest, secret)
  return { barrier: barrierOf(engine), ...(manifestKeys === undefined ? { outOfManifest: true } : { manifestKeys }) }
}

/** Where a run stopped, with its receipt when there is a file of it. The files of open incidents say what has changed. */
export async function stopOf(engine: Pick<Engine, 'state'>, rotation: string, stopped: Stopped): Promise<Outcome> {
  if (stopped.is === 'closed') await refreshIncidents(engine.state, await findRotation(engine.state.db, rotation))
  const file = receiptFile(engine.state.folder, rotation)
  return { rotation, ...stopped, ...(stopped.is === 'closed' && existsSync(file) ? { receipt: file } : {}) }
}
