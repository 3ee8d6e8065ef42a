import type { Engine } from '../engine/engine.ts'
import { inJournal } from '../engine/in-journal.ts'
import { KeyturnError } from '../kit/index.ts'
import type { Emergency, Plan } from '../plan/plan.ts'
import { isEffect } from '../plan/step.ts'
import type { Sealed } from '../sealing/seal.ts'
import { takeAway } from '../state/lease.ts'
import { readPause } from '../state/pause.ts'
import { insertions, insertRotation, type NewRotation } from '../state/rotation.ts'
import { Values } from '../steps/values.ts'
import { inheritedOf, type Left, leftBy } from './inherit.ts'
import { emergencySteps } from './order.ts'
import type { Prepared } from './prepare.ts'

/** What is said to an emergency when it begins. */
export interface EmergencyOpening extends Pick<Emergency, 'order' | 'incident' | 'decidedAt'> {
  readonly reason: string
}

/** So often a lease is taken away from a run that renews it just then. */
const TRIES = 5

const NOTHING: Left = { live: [], tags: [], late: 0, sealed: [] }

/**
 * Opens the emergency, and in the same transaction closes the rotation whose place it takes: whoever carries that one on is fenced off,
 * and what it had sealed is sealed again for this one, so that a crash leaves either all as it was or all of it here. Throws
 * PAUSED, and ROTATION_OPEN when a rotation of another secret has the principal.
 */
export async function beginEmergency(engine: Engine, prepared: Prepared, opening: EmergencyOpening): Promise<string> {
  const pause = await readPause(engine.state.db)
  if (pause !== undefined) throw new KeyturnError('PAUSED', `by ${pause.by}: ${pause.reason}`)
  const { id, open } = prepared
  if (open === undefined) {
    await insertRotation(engine.state, await rotationFor(engine, prepared, opening, NOTHING))
    return id
  }
  await taken(engine, open.id, () =>
    inJournal(engine, open.id, async (recorder) => {
      // Only now nobody else writes it: what it leaves is what stands there.
      const left = await leftBy(engine, open.id, recorder.progress)
      const next = await rotationFor(engine, { ...prepared, open: { id: open.id, progress: recorder.progress } }, opening, left)
      await recorder.write({ type: 'rotation-closed', result: 'superseded', code: 'SUPERSEDED', about: id }, { close: { result: 'superseded', wipe: left.sealed }, also: insertions(engine.state.db, next) })
    }))
  return id
}

async function taken(engine: Engine, rotation: string, body: () => Promise<void>): Promise<void> {
  for (let left = TRIES; ; left -= 1) {
    await takeAway(engine.state.db, rotation)
    try {
      return await body()
    } catch (thrown) {
      if (!(thrown instanceof KeyturnError) || thrown.code !== 'LOCKED' || left === 0) throw thrown
    }
  }
}

async function rotationFor(engine: Engine, prepared: Prepared, { reason, ...decision }: EmergencyOpening, left: Left): Promise<NewRotation> {
  const { id, old, sealedOld, open, estimates } = prepared
  const before = open?.progress
  const { inherits, values: inherited } = inheritedOf([...left.live, ...prepared.live], old)
  const emergency: Emergency = { ...decision, ...(open === undefined ? {} : { supersedes: open.id }), inherits, tags: left.tags, estimates }
  const plan = emergencyPlan(prepared.plan, emergency, { late: left.late, ...(before === undefined ? {} : { principal: before.plan.principal, fenced: (before.done.get('preflight')?.evidence['fenced'] ?? before.plan.summary.fenced) === true }) })
  const sealed: Record<string, Sealed> = { old: sealedOld }
  const values = inherited.size === 0 ? undefined : await Values.open(engine, id, plan, engine.host(plan.base))
  for (const [name, credential] of inherited) if (values !== undefined) sealed[name] = await values.seal(name, credential)
  return {
    id, system: plan.system, environment: plan.environment, secret: plan.secret, principal: plan.principal, sealed,
    // Whoever calls it compromised has said that users may feel it, and takes what is in use for what it is.
    opened: { type: 'rotation-opened', at: engine.now(), body: { rotation: id, plan, version: engine.version, by: engine.by, reason, ...(plan.strategy === 'hard-cut' ? { impactAccepted: true } : {}) } },
  }
}

/** The same plan in the order of an emergency. There is no way back in it. Pure. */
export function emergencyPlan(plan: Plan, emergency: Emergency, { late, principal, fenced }: { readonly late: number; readonly principal?: string; readonly fenced?: boolean }): Plan {
  const steps = emergencySteps(plan, emergency.order, late)
  const first = steps.find(isEffect)?.id
  const { pointOfNoReturn: _, ...summary } = plan.summary
  const known = summary.fenced ?? fenced
  return {
    ...plan,
    principal: principal ?? plan.principal,
    steps,
    back: [],
    emergency,
    summary: { ...summary, ...(known === undefined ? {} : { fenced: known }), ...(first === undefined ? {} : { pointOfNoReturn: first }) },
  }
}
