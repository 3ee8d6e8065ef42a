import type { Transaction } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import type { Tables } from './schema.ts'

/**
 * Takes the lock on a store or a consumer for one step, in the transaction of its intent: two secrets may share either. Another
 * rotation's lock stands as long as that rotation's lease does. Throws LOCKED while it stands. May be repeated by its holder.
 */
export async function takeLock(tx: Transaction<Tables>, resource: string, held: { readonly rotation: string; readonly fence: number }, now: number): Promise<void> {
  const result = await tx
    .insertInto('lock')
    .values({ resource, rotation: held.rotation, fence: held.fence })
    .onConflict((conflict) =>
      conflict
        .column('resource')
        .doUpdateSet({ rotation: held.rotation, fence: held.fence })
        .where((eb) =>
          eb.or([
            eb('lock.rotation', '=', held.rotation),
            eb.not(eb.exists(eb.selectFrom('rotation').select('id').whereRef('id', '=', 'lock.rotation').whereRef('rotation.fence', '=', 'lock.fence').where('lease_until', '>', now))),
          ]),
        ),
    )
    .executeTakeFirst()
  if (result.numInsertedOrUpdatedRows !== 1n) throw new KeyturnError('LOCKED', resource)
}

/** Gives a lock back, in the transaction of the outcome; nothing when another rotation has taken it over. */
export async function giveLock(tx: Transaction<Tables>, resource: string, rotation: string): Promise<void> {
  await tx.deleteFrom('lock').where('resource', '=', resource).where('rotation', '=', rotation).execute()
}
