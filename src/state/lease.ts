import type { Kysely } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import type { Claim } from './journal.ts'
import { stateError } from './open.ts'
import { claimOf, findRotation, type RotationRow } from './rotation.ts'
import type { Tables } from './schema.ts'

/** How long an owner that is silent keeps a rotation, unless the engine says otherwise; renewed at a third of it. */
export const LEASE_MS = 15_000

/** What became of the owner before: it let go, its process is gone, or only its lease ran out and it may still be alive. */
export type Predecessor = 'none' | 'dead' | 'expired'

/** A rotation that was taken. */
export interface Taken {
  readonly claim: Claim
  readonly row: RotationRow
  readonly predecessor: Predecessor
  /** The fence of the owner before; 0 when there was none. */
  readonly before: number
}

/**
 * Takes a rotation: one owner at a time, with a fence that is greater than every one before. `isDead` says of an owner's name
 * whether its process certainly does not exist any more, so that a killed run is taken over at once.
 * Throws LOCKED while another owner holds it.
 */
export async function claim(
  db: Kysely<Tables>,
  rotation: string,
  owner: string,
  now: () => number,
  isDead: (owner: string) => boolean,
  leaseMs: number = LEASE_MS,
): Promise<Taken> {
  try {
    return await db.transaction().execute(async (tx) => {
      const row = await findRotation(tx, rotation)
      const at = now()
      const held = row.owner !== null && row.lease_until > at
      const dead = row.owner !== null && isDead(row.owner)
      if (held && !dead) throw new KeyturnError('LOCKED', `${row.id} is held by ${row.owner}`)
      // Also ordered against owners of another state that name the same principal: fences follow the clock. And against those of
      // this state that had a clock that was ahead: the target remembers the greatest fence that it saw.
      const greatest = await tx.selectFrom('rotation').select((eb) => eb.fn.max('fence').as('fence')).where('principal', '=', row.principal).executeTakeFirst()
      const fence = Math.max((greatest?.fence ?? 0) + 1, at)
      const taken = { ...row, fence, owner, lease_until: at + leaseMs }
      await tx.updateTable('rotation').set({ fence, owner, lease_until: taken.lease_until }).where('id', '=', row.id).execute()
      return { claim: claimOf(taken), row: taken, predecessor: row.owner === null ? 'none' : dead ? 'dead' : 'expired', before: row.fence }
    })
  } catch (thrown) {
    throw stateError(thrown)
  }
}

/** Holds on to it. Throws FENCED when somebody else has it now. */
export async function renew(db: Kysely<Tables>, held: Claim, now: number, leaseMs: number = LEASE_MS): Promise<void> {
  try {
    const result = await db
      .updateTable('rotation')
      .set({ lease_until: now + leaseMs })
      .where('id', '=', held.rotation)
      .where('fence', '=', held.fence)
      .executeTakeFirst()
    if (result.numUpdatedRows !== 1n) throw new KeyturnError('FENCED', held.rotation)
  } catch (thrown) {
    throw stateError(thrown)
  }
}

/** Lets go, for waits and at the end; `again` is when it wants to be looked at next. Does nothing when somebody else has it. */
export async function release(db: Kysely<Tables>, held: Claim, again?: number): Promise<void> {
  // The name stays with what a step under way holds: whoever comes next learns whether its process is gone.
  const free = { ...(held.holding === true ? {} : { owner: null }), lease_until: 0, ...(again === undefined ? {} : { due_at: again }) }
  await db.updateTable('rotation').set(free).where('id', '=', held.rotation).where('fence', '=', held.fence).execute()
}
