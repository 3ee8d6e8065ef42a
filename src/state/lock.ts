import type { Transaction } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import type { Tables } from './schema.ts'

/**
 * Takes the lock on a store or a consumer for one step, in the transaction of its intent: two secrets may share either. Another
 * rotation's lock stands as long as that rotation's lease does. Throws LOCKED while it stands. May be repeated by its holder.
 */
export async function takeLock(tx: Transaction<Tables>, resource: string, held: { readonly rotation: string; readonly fence: number }, now: number): Promise<void> {
  const other = await tx
    .selectFrom('lock')
    .innerJoin('rotation', 'rotation.id', 'lock.rotation')
    .select(['lock.rotation', 'rotation.lease_until', 'rotation.fence as current', 'lock.fence'])
    .where('lock.resource', '=', resource)
    .executeTakeFirst()
  const stands = other !== undefined && other.rotation !== held.rotation && other.lease_until > now && other.current === other.fence
  if (stands) throw new KeyturnError('LOCKED', resource)
  await tx
    .insertInto('lock')
    .values({ resource, rotation: held.rotation, fence: held.fence })
    .onConflict((oc) => oc.column('resource').doUpdateSet({ rotation: held.rotation, fence: held.fence }))
    .execute()
}

/** Gives a lock back, in the transaction of the outcome; nothing when another rotation has taken it over. */
export async function giveLock(tx: Transaction<Tables>, resource: string, rotation: string): Promise<void> {
  await tx.deleteFrom('lock').where('resource', '=', resource).where('rotation', '=', rotation).execute()
}
