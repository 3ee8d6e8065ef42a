import { type Candidate, runLoop, SCAN_MS } from '../dispatch/loop.ts'
import { endOverdueOrphans } from '../dispatch/orphans.ts'
import { patientWaker } from '../dispatch/patient.ts'
import { openBoss, type Whose } from '../dispatch/pg-boss.ts'
import { drive } from '../engine/drive.ts'
import type { Engine } from '../engine/engine.ts'
import { KeyturnError } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { advanceAll } from './advance.ts'
import { beginDue } from './begin.ts'
import { openCampaigns } from './campaign.ts'
import { carry } from './carry.ts'
import { keysFor, type Outcome, stopOf } from './follow.ts'
import { wipeKept } from './retention.ts'
import { findRotation, listDueRotations, listRotations, nextDue } from '../state/rotation.ts'

/** So often it is looked whether the schedule wants something to begin. */
const BEGIN_MS = 20_000

/** So often what was kept for long enough is wiped. */
const WIPE_MS = 3_600_000

/** So often it is looked whether more of a campaign is to be begun. */
const ADVANCE_MS = 2_000

/** So many rotations one process carries on at the same time, unless it is told otherwise. */
export const AT_ONCE = 32

export interface RunDueOptions {
  /** Until each of those that are due has stopped, instead of until it is interrupted. */
  readonly once: boolean
  readonly atOnce?: number
}

/** What the caller of {@link runDue} is told, by rotation. */
export interface RunWatcher {
  readonly onStop: (outcome: Outcome) => void
  /** One that cannot go on, or a secret whose rotation cannot begin: a journal that was edited, a full disk. It does not keep the others from going on. */
  readonly onFailure: (rotation: string, error: KeyturnError) => void
  /** The state does not answer, or pg-boss fails: it is tried again. May be told again and again. */
  readonly onTrouble: (error: unknown) => void
}

/**
 * Begins what the manifest's schedule says, wipes what was kept for long enough, and goes on with every rotation of its system and environment that is due, each at its due time; on PostgreSQL workers are
 * woken by pg-boss, so that each has its own share. What another run holds is left to it.
 */
export async function runDue(engine: Engine, manifest: Manifest, options: RunDueOptions, watcher: RunWatcher): Promise<void> {
  const { state } = engine
  const whose = { system: manifest.system, environment: manifest.environment }
  const waker = options.once || state.kind !== 'postgres' ? undefined : patientWaker(() => openBoss(state, whose, watcher.onTrouble), engine.now)
  // What begins now is due for the first look.
  let begunAt = engine.now()
  let wipedAt = engine.now()
  try {
    // What somebody began as one comes before what begins by itself: it may be the same secret.
    await (options.once ? carryCampaigns(engine, manifest, watcher) : advanceAll(engine, manifest, watcher.onFailure))
    await beginDue(engine, manifest, watcher.onFailure)
    await wipe(engine, manifest, watcher)
    let advancedAt = engine.now()
    await runLoop({
      due: async (by, atMost) => {
        if (!options.once && engine.now() - advancedAt >= ADVANCE_MS) {
          advancedAt = engine.now()
          await advanceAll(engine, manifest, watcher.onFailure)
        }
        if (engine.now() - begunAt >= BEGIN_MS) {
          begunAt = engine.now()
          await beginDue(engine, manifest, watcher.onFailure)
        }
        if (engine.now() - wipedAt >= WIPE_MS) {
          wipedAt = engine.now()
          await wipe(engine, manifest, watcher)
        }
        if (state.kind === 'postgres') endOverdueOrphans(state.folder, engine.now())
        return candidates(engine, whose, by, atMost)
      },
      next: (after) => nextDue(state.db, after),
      carryOn: (id) => carryOn(engine, manifest, id, watcher),
      ...(waker === undefined ? {} : { waker }),
      once: options.once,
      atOnce: options.atOnce ?? AT_ONCE,
      now: engine.now,
      sleep: engine.sleep,
      interrupt: engine.interrupt,
      onTrouble: watcher.onTrouble,
    })
  } finally {
    await waker?.close()
  }
}

/** Once: what waits for others of its campaign is tried again as long as one of them moves. */
async function carryCampaigns(engine: Engine, manifest: Manifest, watcher: RunWatcher): Promise<void> {
  for (const { campaign } of await openCampaigns(engine.state, manifest)) {
    try {
      const before = await lengthsOf(engine, manifest)
      const { members } = await carry(engine, manifest, campaign, {})
      const after = await lengthsOf(engine, manifest)
      for (const { secret, outcome, error } of members) {
        if (error !== undefined) watcher.onFailure(outcome?.rotation ?? secret, error)
        // One that goes on waiting as before has not stopped now.
        else if (outcome !== undefined && after.get(outcome.rotation) !== before.get(outcome.rotation)) watcher.onStop(outcome)
      }
    } catch (thrown) {
      if (!(thrown instanceof KeyturnError)) throw thrown
      watcher.onFailure(campaign.id, thrown)
    }
  }
}

/** How long the journals of this system are, by rotation. */
async function lengthsOf({ state }: Engine, { system, environment }: Manifest): Promise<ReadonlyMap<string, number>> {
  return new Map((await listRotations(state.db, { system, environment })).map(({ id, seq }) => [id, seq]))
}

/** What cannot be wiped now is wiped later: nothing waits for it. */
async function wipe(engine: Engine, manifest: Manifest, { onTrouble }: RunWatcher): Promise<void> {
  try {
    await wipeKept(engine, manifest)
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError)) throw thrown
    onTrouble(thrown)
  }
}

async function candidates({ state, isDead, now }: Engine, whose: Whose, by: number, atMost: number): Promise<readonly Candidate[]> {
  const rows = await listDueRotations(state.db, { ...whose, by, now: now(), atMost })
  return rows.map(({ id, due_at: at, owner, lease_until: until }) => {
    const gone = owner !== null && isDead(owner)
    return { id, at: at ?? 0, held: until > now() && !gone, left: gone || (owner !== null && until > 0 && until <= now()) }
  })
}

/** Drives one rotation to where it stops; answers when it may be tried again. */
async function carryOn(engine: Engine, manifest: Manifest, id: string, watcher: RunWatcher): Promise<number> {
  try {
    const { secret } = await findRotation(engine.state.db, id)
    const stopped = await drive(engine, id, await keysFor(engine, manifest, secret))
    watcher.onStop(await stopOf(engine, id, stopped))
    return stopped.is === 'waiting' ? Math.min(stopped.until, engine.now() + SCAN_MS) : engine.now()
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError)) throw thrown
    // Another run has it, or took it over: that one goes on with it.
    if (thrown.code !== 'LOCKED' && thrown.code !== 'FENCED') watcher.onFailure(id, thrown)
    return engine.now() + SCAN_MS
  }
}
