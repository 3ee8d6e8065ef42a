import type { CompiledQuery, Kysely, Transaction } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import type { Tables } from './schema.ts'
import { statement } from './statement.ts'

/** What locking says to the database. */
export interface LockStatements {
  readonly take: (values: { readonly resource: string; readonly rotation: string; readonly fence: number; readonly now: number }) => CompiledQuery
  readonly give: (values: { readonly resource: string; readonly rotation: string }) => CompiledQuery
}

/** Compiles them for this database. */
export function lockStatements(db: Kysely<Tables>): LockStatements {
  return {
    take: statement((slot) =>
      db
        .insertInto('lock')
        .values({ resource: slot('resource'), rotation: slot('rotation'), fence: slot('fence') })
        .onConflict((conflict) =>
          conflict
            .column('resource')
            .doUpdateSet({ rotation: slot('rotation'), fence: slot('fence') })
            .where((eb) =>
              eb.or([
                eb('lock.rotation', '=', slot('rotation')),
                eb.not(eb.exists(eb.selectFrom('rotation').select('id').whereRef('id', '=', 'lock.rotation').whereRef('rotation.fence', '=', 'lock.fence').where('lease_until', '>', slot('now')))),
              ]),
            ),
        ),
    ),
    give: statement((slot) => db.deleteFrom('lock').where('resource', '=', slot('resource')).where('rotation', '=', slot('rotation'))),
  }
}

/**
 * Takes the lock on a store or a consumer for one step, in the transaction of its intent: two secrets may share either. Another
 * rotation's lock stands as long as that rotation's lease does. Throws LOCKED while it stands. May be repeated by its holder.
 */
export async function takeLock(tx: Transaction<Tables>, statements: LockStatements, resource: string, held: { readonly rotation: string; readonly fence: number }, now: number): Promise<void> {
  const result = await tx.executeQuery(statements.take({ resource, rotation: held.rotation, fence: held.fence, now }))
  if (result.numAffectedRows !== 1n) throw new KeyturnError('LOCKED', resource)
}

/** Gives a lock back, in the transaction of the outcome; nothing when another rotation has taken it over. */
export async function giveLock(tx: Transaction<Tables>, statements: LockStatements, resource: string, rotation: string): Promise<void> {
  await tx.executeQuery(statements.give({ resource, rotation }))
}
