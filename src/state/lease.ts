import type { Kysely } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import { holderOf } from './holder.ts'
import type { Claim } from './journal.ts'
import { stateError } from './error.ts'
import { claimOf, findRotation, type RotationRow } from './rotation.ts'
import type { Tables } from './schema.ts'

/** How long an owner that is silent keeps a rotation, unless the engine says otherwise; renewed at a third of it. */
export const LEASE_MS = 15_000

/** What became of the owner before: it let go, its process is gone, or only its lease ran out and it may still be alive. */
export type Predecessor = 'none' | 'dead' | 'expired'

/** So often it is looked again at a rotation that changed between the look and the taking. */
const TRIES = 5

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
 * whether its process certainly does not exist any more, so that a killed run is taken over at once; `clock` is the state's.
 * Throws LOCKED while another owner holds it.
 */
export async function claim(
  db: Kysely<Tables>,
  rotation: string,
  owner: string,
  clock: () => number | Promise<number>,
  isDead: (owner: string) => boolean,
  leaseMs: number = LEASE_MS,
): Promise<Taken> {
  try {
    for (let left = TRIES; left > 0; left -= 1) {
      const row = await findRotation(db, rotation)
      const at = await clock()
      const held = row.owner !== null && row.lease_until > at
      const dead = row.owner !== null && isDead(row.owner)
      if (held && !dead) throw new KeyturnError('LOCKED', `${row.id} is held by ${holderOf(row.owner ?? '')} until ${untilOf(row.lease_until)}, longer while that goes on`)
      const taken = { ...row, fence: await nextFence(db, row.principal, at), owner, lease_until: at + leaseMs }
      if (!(await take(db, row, taken))) continue
      return { claim: claimOf(taken), row: taken, predecessor: row.owner === null ? 'none' : dead ? 'dead' : 'expired', before: row.fence }
    }
    throw new KeyturnError('LOCKED', `${rotation} is being taken by others`)
  } catch (thrown) {
    throw stateError(thrown)
  }
}

/**
 * Also ordered against owners of another state that name the same principal: fences follow the clock. And against those of this
 * state that had a clock that was ahead: the target remembers the greatest fence that it saw.
 */
async function nextFence(db: Kysely<Tables>, principal: string, at: number): Promise<number> {
  const greatest = await db.selectFrom('rotation').select((eb) => eb.fn.max('fence').as('fence')).where('principal', '=', principal).executeTakeFirst()
  return Math.max((greatest?.fence ?? 0) + 1, at)
}

/** Compare and set, on any database: of two that saw the same row one takes it, and nobody who appended or renewed since is overlooked. */
async function take(db: Kysely<Tables>, seen: RotationRow, taken: RotationRow): Promise<boolean> {
  const { fence, owner, lease_until } = taken
  const result = await db
    .updateTable('rotation')
    .set({ fence, owner, lease_until })
    .where('id', '=', seen.id)
    .where('seq', '=', seen.seq)
    .where('fence', '=', seen.fence)
    .where('lease_until', '=', seen.lease_until)
    .where('owner', seen.owner === null ? 'is' : '=', seen.owner)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** ISO 8601 in UTC, to the second. */
function untilOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
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

/** Takes it away from whoever holds it: the next claim gets it, and the holder learns at its next entry or renewal that it is FENCED. */
export async function takeAway(db: Kysely<Tables>, rotation: string): Promise<void> {
  await db.updateTable('rotation').set({ lease_until: 0 }).where('id', '=', rotation).execute()
}

/** Lets go, for waits and at the end; `again` is when it wants to be looked at next. Does nothing when somebody else has it. */
export async function release(db: Kysely<Tables>, held: Claim, again?: number): Promise<void> {
  // One that was closed is free already: nothing is written then, and no disk waited for.
  // The name stays with what a step under way holds: whoever comes next learns whether its process is gone.
  const free = { ...(held.holding === true ? {} : { owner: null }), lease_until: 0, ...(again === undefined ? {} : { due_at: again }) }
  await db.updateTable('rotation').set(free).where('id', '=', held.rotation).where('fence', '=', held.fence).where('owner', 'is not', null).execute()
}
