import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { drive, type DriveOptions, type Stopped } from './engine/drive.ts'
import type { Engine } from './engine/engine.ts'
import type { TimedEvent } from './engine/event.ts'
import { foldProgress, type Progress } from './engine/progress.ts'
import { receiptFile } from './engine/receipt-file.ts'
import { readEvents } from './engine/recorder.ts'
import { request } from './engine/request.ts'
import { keysOf, openRotation, openRotationOf, planSecret, substanceOf, worldDifference } from './engine/rotate.ts'
import { KeyturnError } from './kit/index.ts'
import type { Manifest } from './manifest/model.ts'
import type { Plan } from './plan/plan.ts'
import { engineFor, knownIdentity, openStateFor, openStateToRead, plannerFor, type Runtime } from './runtime.ts'
import { STATE_FILE } from './state/open.ts'
import { findRotation, listRotations, nextDue, type RotationRow } from './state/rotation.ts'

/** Where a run of a rotation stopped, and the receipt when there is one. */
export type Outcome = Stopped & { readonly rotation: string; readonly receipt?: string }

/** What the caller is told while a run goes on. */
export interface Watcher {
  /** After each event is on disk. */
  readonly onEvent?: (rotation: string, event: TimedEvent, progress: Progress) => void
  /** About once a second while it waits. */
  readonly onWait?: (stopped: Stopped & { is: 'waiting' }, now: number) => void
  /** The first run made an identity here, of which a copy must be kept. */
  readonly onNewIdentity?: (path: string) => void
}

export interface RunOptions extends Watcher {
  /** Stay through waits instead of answering `waiting`. */
  readonly wait?: boolean
}

export interface RotateOptions extends RunOptions {
  /** For the journal and the receipt. */
  readonly reason?: string
  /** Take the value in the stores as the current one, though the ledger has never seen it. */
  readonly adopt?: boolean
  /** Refuse with WORLD_MOVED when the world is no longer the one of this plan. */
  readonly plan?: Plan
}

/** A wait this short is stayed for even without `wait`: ending and coming back would take longer. */
const BRIEF_MS = 1_500

/** The plan of one secret. Nothing is changed. `offline` looks at nothing but the manifest. */
export async function plan(runtime: Runtime, manifest: Manifest, secret: string, options: { readonly offline?: boolean } = {}): Promise<Plan> {
  if (options.offline === true) return planSecret(plannerFor(runtime), manifest, secret, { look: false })
  const identity = await knownIdentity(runtime)
  return planSecret(plannerFor(runtime), manifest, secret, { look: true, ...(identity === undefined ? {} : { identity }) })
}

/** Rotates a secret: opens a rotation and carries it to its first wait, or with `wait` to its end. */
export async function rotate(runtime: Runtime, manifest: Manifest, secret: string, options: RotateOptions = {}): Promise<Outcome> {
  return withEngine(runtime, manifest, options, async (engine) => {
    const open = await openRotationOf(engine, manifest, secret)
    if (open !== undefined) throw new KeyturnError('ROTATION_OPEN', open)
    const { identity } = engine.state
    const made = await planSecret(engine, manifest, secret, { look: true, ...(identity === undefined ? {} : { identity }) })
    if (options.plan !== undefined) refuseMoved(options.plan, made)
    const rotation = await openRotation(engine, made, options.reason ?? 'on request', options.adopt === true)
    return follow(engine, manifest, rotation, options)
  })
}

/** Goes on with an open rotation, a person having looked at what was paused or held. `rotation` may be the secret's name. */
export async function resume(runtime: Runtime, manifest: Manifest, rotation: string, options: RunOptions = {}): Promise<Outcome> {
  return withEngine(runtime, manifest, options, async (engine) => {
    const { id } = await findRotation(engine.state.db, rotation, manifest)
    const progress = foldProgress((await readEvents(engine, id)).events)
    if (progress.closed === undefined && (progress.paused !== undefined || progress.held !== undefined)) await request(engine, id, 'resume')
    return follow(engine, manifest, id, options)
  })
}

/** Turns an open rotation back: `abort` while the old credential is on, `undo` while it is off. Throws NOT_NOW when it is too late. */
export async function turnBack(runtime: Runtime, manifest: Manifest, rotation: string, why: 'abort' | 'undo', options: RunOptions = {}): Promise<Outcome> {
  return withEngine(runtime, manifest, options, async (engine) => {
    const { id } = await findRotation(engine.state.db, rotation, manifest)
    await request(engine, id, why)
    return follow(engine, manifest, id, options)
  })
}

/** The open rotations with their journals folded, newest first. Needs no identity. */
export async function status(manifest: Manifest): Promise<{ readonly row: RotationRow; readonly progress: Progress }[]> {
  if (!existsSync(join(manifest.state, STATE_FILE))) return []
  const state = await openStateToRead(manifest)
  try {
    const rows = await listRotations(state.db, { open: true })
    return await Promise.all(rows.map(async (row) => ({ row, progress: foldProgress((await readEvents({ state }, row.id)).events) })))
  } finally {
    await state.close()
  }
}

/** So many rotations one process carries on at the same time. */
const AT_ONCE = 32

/** Without a nearer due time the state is looked at this often: another process may have opened something. */
const SCAN_MS = 1_000

/** What the caller of {@link runDue} is told, by rotation. */
export interface RunWatcher {
  readonly onStop: (outcome: Outcome) => void
  /** One that cannot go on: a journal that was edited, a full disk. It does not keep the others from going on. */
  readonly onFailure: (rotation: string, error: KeyturnError) => void
}

/**
 * Goes on with every rotation of the manifest's system and environment that is due: with `once` until each of those has stopped, else until it is interrupted, with each at
 * its due time. Several go on at the same time: one may watch for an hour while another becomes due. One that another run holds is
 * left to it.
 */
export async function runDue(engine: Engine, manifest: Manifest, once: boolean, watcher: RunWatcher): Promise<void> {
  const underway = new Map<string, Promise<void>>()
  /** When a rotation that stopped may be tried again, however due it looks. */
  const notBefore = new Map<string, number>()
  const broken: unknown[] = []
  /** Ends the sleep at hand when one of them has stopped. */
  let wake = new AbortController()
  while (!engine.interrupt.aborted && broken.length === 0) {
    wake = new AbortController()
    const now = engine.now()
    const due = (await listRotations(engine.state.db, { system: manifest.system, environment: manifest.environment, open: true, dueBy: now })).filter((row) => !underway.has(row.id) && (notBefore.get(row.id) ?? 0) <= now)
    for (const row of due.toReversed().slice(0, AT_ONCE - underway.size)) {
      const stopped = carryOn(engine, manifest, row, watcher)
        .then((again) => notBefore.set(row.id, once ? Number.POSITIVE_INFINITY : again), (thrown: unknown) => broken.push(thrown))
        .then(() => {
          underway.delete(row.id)
          wake.abort()
        })
      underway.set(row.id, stopped)
    }
    if (once && underway.size === 0) break
    const next = once ? undefined : await nextDue(engine.state.db, now)
    await engine.sleep(Math.min(SCAN_MS, Math.max(0, (next ?? Number.POSITIVE_INFINITY) - engine.now())), AbortSignal.any([engine.interrupt, wake.signal]))
  }
  await Promise.all(underway.values())
  if (broken.length > 0) throw broken[0]
}

/** Drives one rotation to where it stops; answers when it may be tried again. */
async function carryOn(engine: Engine, manifest: Manifest, row: RotationRow, watcher: RunWatcher): Promise<number> {
  try {
    const stopped = await drive(engine, row.id, await keysFor(engine, manifest, row.secret))
    watcher.onStop(await stopOf(engine, row.id, stopped))
    return stopped.is === 'waiting' ? Math.min(stopped.until, engine.now() + SCAN_MS) : engine.now()
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError)) throw thrown
    // Another run has it, or took it over: that one goes on with it.
    if (thrown.code !== 'LOCKED' && thrown.code !== 'FENCED') watcher.onFailure(row.id, thrown)
    return engine.now() + SCAN_MS
  }
}

/** Opens state and engine for one operation, and closes them after it. */
export async function withEngine<T>(runtime: Runtime, manifest: Manifest, watcher: Watcher, body: (engine: Engine) => Promise<T>): Promise<T> {
  const { state, madeIdentity } = await openStateFor(runtime, manifest)
  if (madeIdentity !== undefined) watcher.onNewIdentity?.(madeIdentity)
  try {
    return await body(engineFor(runtime, state, watcher.onEvent))
  } finally {
    await state.close()
  }
}

async function follow(engine: Engine, manifest: Manifest, rotation: string, options: RunOptions): Promise<Outcome> {
  const { secret } = await findRotation(engine.state.db, rotation)
  const keys = await keysFor(engine, manifest, secret)
  while (true) {
    const stopped = await drive(engine, rotation, keys)
    const goesOn = stopped.is === 'waiting' && !engine.interrupt.aborted && (options.wait === true || (stopped.why !== 'gate' && stopped.until - engine.now() <= BRIEF_MS))
    if (!goesOn) return stopOf(engine, rotation, stopped)
    while (engine.now() < stopped.again && !engine.interrupt.aborted) {
      options.onWait?.(stopped, engine.now())
      await engine.sleep(Math.min(1_000, stopped.again - engine.now()), engine.interrupt)
    }
  }
}

async function keysFor(engine: Engine, manifest: Manifest, secret: string): Promise<DriveOptions> {
  const manifestKeys = await keysOf(engine, manifest, secret)
  return manifestKeys === undefined ? { outOfManifest: true } : { manifestKeys }
}

async function stopOf(engine: Pick<Engine, 'state'>, rotation: string, stopped: Stopped): Promise<Outcome> {
  const file = receiptFile(engine.state.folder, rotation)
  return { rotation, ...stopped, ...(stopped.is === 'closed' && existsSync(file) ? { receipt: file } : {}) }
}

/** Throws WORLD_MOVED when the plan was made from another world than the one that is seen now. */
function refuseMoved(planned: Plan, seen: Plan): void {
  if (planned?.format !== 1 || planned.secret !== seen.secret || planned.preconditions === undefined) throw new KeyturnError('USAGE', `this is no plan of ${seen.secret}`)
  const differences = worldDifference(planned.preconditions, seen.preconditions)
  if (JSON.stringify(planned.steps) !== JSON.stringify(seen.steps)) differences.push('the steps are others')
  if (substanceOf(planned) !== substanceOf(seen)) differences.push('the manifest is another one than when the plan was made')
  if (differences.length > 0) throw new KeyturnError('WORLD_MOVED', differences.join('; '))
}
