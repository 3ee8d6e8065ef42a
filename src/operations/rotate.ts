import { readEvents } from '../journal/read.ts'
import { openRotation, openRotationOf, planSecret } from '../engine/rotate.ts'
import { foldProgress } from '../journal/progress.ts'
import { type Fields, KeyturnError } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import type { Plan } from '../plan/plan.ts'
import { knownIdentity, plannerFor, type Runtime } from '../runtime.ts'
import { findRotation } from '../state/rotation.ts'
import { substanceOf, worldDifference } from './difference.ts'
import { follow, type Outcome, type RunOptions, withEngine } from './follow.ts'
import { acknowledge, type Acknowledgement, request } from './request.ts'

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
    const rotation = await openRotation(engine, made, { reason: options.reason ?? 'on request', adopt: options.adopt === true, acceptImpact: options.acceptImpact === true, alone: manifest.schedule?.serial === true, ...(options.value === undefined ? {} : { value: options.value }) })
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

/** Throws WORLD_MOVED when the plan was made from another world than the one that is seen now. */
function refuseMoved(planned: Plan, seen: Plan): void {
  if (planned?.format !== 1 || planned.secret !== seen.secret || planned.preconditions === undefined) throw new KeyturnError('USAGE', `this is no plan of ${seen.secret}`)
  const differences = worldDifference(planned.preconditions, seen.preconditions)
  if (JSON.stringify(planned.steps) !== JSON.stringify(seen.steps)) differences.push('the steps are others')
  if (substanceOf(planned) !== substanceOf(seen)) differences.push('the manifest is another one than when the plan was made')
  if (differences.length > 0) throw new KeyturnError('WORLD_MOVED', differences.join('; '))
}
