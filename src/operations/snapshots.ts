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

type Scope = Pick<Manifest, 'system' | 'environment'>

/** A value from before that the state holds, sealed. */
export interface KeptValue {
  readonly rotation: string
  readonly secret: string
  /** What its rotation changed in stores; or the credential that it ended with, which a later one has replaced. */
  readonly what: 'snapshot' | 'replaced'
  /** How the rotation ended; absent while it is open. */
  readonly result?: string
  /** Unix ms, all of them. */
  readonly openedAt: number
  /** From when on it is wiped; absent while the rotation is open, which needs it. */
  readonly until?: number
}

/** The snapshots of a system and environment, of the newest rotation first. Needs no identity. */
export async function listSnapshots(db: Kysely<Tables>, scope: Scope): Promise<KeptValue[]> {
  return (await listKept(db, scope)).filter(({ what }) => what === 'snapshot')
}

/** Everything that is kept of values that are in use no more, of the newest rotation first. Needs no identity. */
export async function listKept(db: Kysely<Tables>, { system, environment }: Scope): Promise<KeptValue[]> {
  const rows = await db
    .selectFrom('sealed')
    .innerJoin('rotation', 'rotation.id', 'sealed.rotation')
    .innerJoin('event', 'event.rotation', 'sealed.rotation')
    .select(['sealed.name', 'rotation.id', 'rotation.secret', 'rotation.result', 'rotation.opened_at', 'rotation.closed_at', 'event.body'])
    .where('sealed.name', 'in', ['snapshot', 'new'])
    .where('event.seq', '=', 1)
    .where('rotation.system', '=', system)
    .where('rotation.environment', '=', environment)
    .orderBy('rotation.opened_at', 'desc')
    .orderBy('rotation.id')
    .execute()
  const ends = rows.map(({ closed_at: closedAt, body, ...row }) => ({ ...row, ...(closedAt === null ? {} : { until: closedAt + snapshotLife((JSON.parse(body) as { plan: Plan }).plan.timing) }) }))
  return ends.flatMap(({ name, id: rotation, secret, result, opened_at: openedAt, until }): KeptValue[] => {
    const kept = { rotation, secret, openedAt, ...(result === null ? {} : { result }) }
    if (name === 'snapshot') return [{ ...kept, what: 'snapshot', ...(until === undefined ? {} : { until }) }]
    // The newest one that was done is in use.
    const by = ends.findLast((each) => each.secret === secret && each.result === 'done' && each.opened_at > openedAt)
    return result === 'done' && by?.until !== undefined ? [{ ...kept, what: 'replaced', until: by.until }] : []
  })
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
