import type { Kysely } from 'kysely'
import { readLedger, secretKey } from '../state/ledger.ts'
import type { RotationRow } from '../state/rotation.ts'
import type { Tables } from '../state/schema.ts'
import { KEPT } from '../steps/snapshot.ts'

/** The credential on one side of a rotation, and where it stands now. */
export interface SnapshotSide {
  readonly credential: string
  readonly fingerprint: string
  /** By the ledger; absent when it knows nothing of it. */
  readonly state?: string
}

/** What a snapshot holds, without a value. */
export interface SnapshotNote {
  /** When it was taken, unix ms. */
  readonly at: number
  readonly stores: readonly { readonly title: string; readonly keys: readonly string[] }[]
  readonly before: SnapshotSide
  readonly after: SnapshotSide
}

/** What was noted when the snapshot of a rotation was taken, also after it was wiped; undefined when none was. Needs no identity. */
export async function readSnapshotNote(db: Kysely<Tables>, { id, system, environment, secret }: RotationRow): Promise<SnapshotNote | undefined> {
  const rows = await db.selectFrom('note').select(['at', 'body']).where('type', '=', KEPT).where('body', 'like', `%${JSON.stringify(id)}%`).orderBy('seq').execute()
  const read = rows.map(({ at, body }) => ({ ...(JSON.parse(body) as SnapshotNote & { readonly rotation: string }), at }))
  const found = read.find(({ rotation }) => rotation === id)
  if (found === undefined) return undefined
  const ledger = await readLedger(db, secretKey(system, environment, secret))
  const standing = ({ credential, fingerprint }: SnapshotSide): SnapshotSide => {
    const state = ledger.find((row) => row.provider_id === credential && row.fingerprint === fingerprint)?.state
    return { credential, fingerprint, ...(state === undefined ? {} : { state }) }
  }
  return { at: found.at, stores: found.stores, before: standing(found.before), after: standing(found.after) }
}
