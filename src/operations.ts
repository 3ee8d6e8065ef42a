import { existsSync } from 'node:fs'
import { type Adopted, adoptSecret } from './engine/adopt.ts'
import { drive, type DriveOptions, type Stopped } from './engine/drive.ts'
import type { Engine, Late } from './engine/engine.ts'
import type { TimedEvent } from './engine/event.ts'
import { foldProgress, type Progress } from './engine/progress.ts'
import { readEvents } from './engine/recorder.ts'
import { acknowledge, type Acknowledgement, request } from './engine/request.ts'
import { keysOf, openRotation, openRotationOf, planSecret, substanceOf, worldDifference } from './engine/rotate.ts'
import { type Fields, KeyturnError } from './kit/index.ts'
import type { Manifest } from './manifest/model.ts'
import type { Plan } from './plan/plan.ts'
import { engineFor, knownIdentity, openStateFor, openStateIfAny, plannerFor, type Runtime } from './runtime.ts'
import { receiptFile } from './state/receipts.ts'
import type { State } from './state/open.ts'
import { findRotation, listRotations, type RotationRow } from './state/rotation.ts'

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

export interface RotateOptions extends RunOptions {
  /** For the journal and the receipt. */
  readonly reason?: string
  /** Take the value in the stores as the current one, though the ledger has never seen it. */
  readonly adopt?: boolean
  /** Users may feel it: needed for a hard cut. */
  readonly acceptImpact?: boolean
  /** The secret fields of the new credential, where a person chooses it. */
  readonly value?: Fields
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
    const rotation = await openRotation(engine, made, { reason: options.reason ?? 'on request', adopt: options.adopt === true, acceptImpact: options.acceptImpact === true, ...(options.value === undefined ? {} : { value: options.value }) })
    return follow(engine, manifest, rotation, options)
  })
}

export interface ResumeOptions extends RunOptions {
  /** What the person who resumes answers for: see {@link acknowledge}. */
  readonly acknowledge?: Acknowledgement
}

/** Goes on with an open rotation, a person having looked at what was paused or held. `rotation` may be the secret's name. */
export async function resume(runtime: Runtime, manifest: Manifest, rotation: string, options: ResumeOptions = {}): Promise<Outcome> {
  return withEngine(runtime, manifest, options, async (engine) => {
    const { id } = await findRotation(engine.state.db, rotation, manifest)
    const progress = foldProgress((await readEvents(engine, id)).events)
    if (options.acknowledge !== undefined) await acknowledge(engine, id, options.acknowledge)
    else if (progress.closed === undefined && (progress.paused !== undefined || progress.held !== undefined)) await request(engine, id, 'resume')
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

/** Takes the value in the stores as the current one; `reason` is for the audit trail: see {@link adoptSecret}. */
export async function adopt(runtime: Runtime, manifest: Manifest, secret: string, options: Watcher & { readonly reason?: string } = {}): Promise<Adopted> {
  return withEngine(runtime, manifest, options, (engine) => adoptSecret(engine, manifest, secret, options.reason ?? 'on request'))
}

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

/** Opens state and engine for one operation, and closes them after it. */
export async function withEngine<T>(runtime: Runtime, manifest: Manifest, watcher: Watcher, body: (engine: Engine) => Promise<T>): Promise<T> {
  const { state, madeIdentity } = await openStateFor(runtime, manifest)
  if (madeIdentity !== undefined) watcher.onNewIdentity?.(madeIdentity)
  try {
    return await body(engineFor(runtime, state, watcher))
  } finally {
    await state.close()
  }
}

/** Carries a rotation on to where nothing can be done now, or with `wait` to its end. */
export async function follow(engine: Engine, manifest: Manifest, rotation: string, options: RunOptions): Promise<Outcome> {
  const { secret } = await findRotation(engine.state.db, rotation)
  const keys = await keysFor(engine, manifest, secret)
  while (true) {
    const stopped = await drive(engine, rotation, keys)
    const goesOn = stopped.is === 'waiting' && !engine.interrupt.aborted && (options.wait === true || ((stopped.why === 'grace' || stopped.why === 'undo') && stopped.until - engine.now() <= BRIEF_MS))
    if (!goesOn) return stopOf(engine, rotation, stopped)
    while (engine.now() < stopped.again && !engine.interrupt.aborted) {
      options.onWait?.(stopped, engine.now())
      await engine.sleep(Math.min(1_000, stopped.again - engine.now()), engine.interrupt)
    }
  }
}

/** What the gate compares the plan with: see {@link keysOf}. */
export async function keysFor(engine: Engine, manifest: Manifest, secret: string): Promise<DriveOptions> {
  const manifestKeys = await keysOf(engine, manifest, secret)
  return manifestKeys === undefined ? { outOfManifest: true } : { manifestKeys }
}

/** Where a run stopped, with its receipt when there is a file of it. */
export async function stopOf(engine: Pick<Engine, 'state'>, rotation: string, stopped: Stopped): Promise<Outcome> {
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
