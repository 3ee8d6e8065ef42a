import type { Kysely } from 'kysely'
import type { Engine } from '../engine/engine.ts'
import { KeyturnError } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import type { Plan } from '../plan/plan.ts'
import { unsealText } from '../sealing/seal.ts'
import { readSealed, secretKey } from '../state/ledger.ts'
import type { RotationRow } from '../state/rotation.ts'
import type { Tables } from '../state/schema.ts'
import { readSnapshot, type Snapshot, snapshotLife } from '../steps/snapshot.ts'
import { openSealers } from '../steps/values.ts'

/** A snapshot that the state holds. */
export interface KeptSnapshot {
  readonly rotation: string
  readonly secret: string
  /** How the rotation ended; absent while it is open. */
  readonly result?: string
  /** Unix ms, all of them. */
  readonly openedAt: number
  readonly closedAt?: number
  /** From when on it is wiped; absent while its rotation is open, which needs it. */
  readonly until?: number
}

/** The snapshots of a system and environment, of the newest rotation first. Needs no identity. */
export async function listSnapshots(db: Kysely<Tables>, { system, environment }: Pick<Manifest, 'system' | 'environment'>): Promise<KeptSnapshot[]> {
  const rows = await db
    .selectFrom('sealed')
    .innerJoin('rotation', 'rotation.id', 'sealed.rotation')
    .innerJoin('event', 'event.rotation', 'sealed.rotation')
    .select(['rotation.id', 'rotation.secret', 'rotation.result', 'rotation.opened_at', 'rotation.closed_at', 'event.body'])
    .where('sealed.name', '=', 'snapshot')
    .where('event.seq', '=', 1)
    .where('rotation.system', '=', system)
    .where('rotation.environment', '=', environment)
    .orderBy('rotation.opened_at', 'desc')
    .orderBy('rotation.id')
    .execute()
  return rows.map(({ id, secret, result, opened_at: openedAt, closed_at: closedAt, body }) => ({
    rotation: id, secret, openedAt,
    ...(result === null ? {} : { result }),
    ...(closedAt === null ? {} : { closedAt, until: closedAt + snapshotLife((JSON.parse(body) as { plan: Plan }).plan.timing) }),
  }))
}

/**
 * Opens the snapshot of a rotation; undefined when it holds none any more, or never did. Throws IDENTITY_MISSING, SEAL_BROKEN and what
 * keeps a sealer from opening it.
 */
export async function openSnapshot(engine: Pick<Engine, 'state' | 'registry' | 'host'>, row: RotationRow, plan: Plan): Promise<Snapshot | undefined> {
  const { identity } = engine.state
  const sealed = await readSealed(engine.state.db, row.id, 'snapshot')
  if (sealed === undefined) return undefined
  if (identity === undefined) throw new KeyturnError('IDENTITY_MISSING')
  const sealers = await openSealers(identity, plan.sealing, engine.registry, engine.host(plan.base))
  const secret = secretKey(row.system, row.environment, row.secret)
  return readSnapshot(await unsealText(sealed, { rotation: row.id, name: 'snapshot', secret }, ...sealers))
}
