import type { Kysely, Selectable } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import { type Claim, chain, type Entry, GENESIS, readJournal, storedBytes, type StoredEntry } from './journal.ts'
import { stateError } from './open.ts'
import type { Tables } from './schema.ts'

/** A rotation as the index of the journal has it. */
export type RotationRow = Selectable<Tables['rotation']>

export interface NewRotation {
  readonly id: string
  readonly system: string
  readonly environment: string
  readonly secret: string
  /** The principal: at most one open rotation per principal (I10), whatever secret or manifest names it. */
  readonly principal: string
  readonly opened: Entry
}

/** Opens a rotation with its first entry. Throws ROTATION_OPEN when its principal has one already. */
export async function insertRotation(db: Kysely<Tables>, rotation: NewRotation): Promise<void> {
  const bytes = storedBytes(1, rotation.opened)
  const head = chain(GENESIS, bytes)
  try {
    await db.transaction().execute(async (tx) => {
      const open = await tx.selectFrom('rotation').select('id').where('principal', '=', rotation.principal).where('result', 'is', null).executeTakeFirst()
      if (open !== undefined) throw new KeyturnError('ROTATION_OPEN', open.id)
      await tx
        .insertInto('rotation')
        .values({
          id: rotation.id,
          system: rotation.system,
          environment: rotation.environment,
          secret: rotation.secret,
          principal: rotation.principal,
          opened_at: rotation.opened.at,
          result: null,
          closed_at: null,
          seq: 1,
          head,
          fence: 0,
          owner: null,
          lease_until: 0,
          due_at: rotation.opened.at,
          waits_for: null,
          holds: null,
          holds_until: 0,
        })
        .execute()
      await tx
        .insertInto('event')
        .values({ rotation: rotation.id, seq: 1, type: rotation.opened.type, at: rotation.opened.at, body: bytes, hash: head })
        .execute()
    })
  } catch (thrown) {
    throw stateError(thrown)
  }
}

/**
 * One rotation: by its id, by a prefix of it that no other has, or by the secret of which it is the open one. With
 * `within` only those of one system and environment count: two manifests may share a state, and one must not turn the other's back.
 * Throws ROTATION_UNKNOWN.
 */
export async function findRotation(db: Kysely<Tables>, id: string, within?: Pick<RotationRow, 'system' | 'environment'>): Promise<RotationRow> {
  const ofThese = (rows: readonly RotationRow[]): RotationRow[] =>
    rows.filter((row) => within === undefined || (row.system === within.system && row.environment === within.environment))
  const exact = await db.selectFrom('rotation').selectAll().where('id', '=', id).executeTakeFirst()
  if (exact !== undefined && ofThese([exact]).length === 0) {
    throw new KeyturnError('ROTATION_UNKNOWN', `${id} is one of ${exact.system} (${exact.environment})`, { hint: 'Name the manifest of that system and environment with `--manifest FILE`.' })
  }
  if (exact !== undefined) return exact
  // From here on it is what a person wrote: all rotations are looked through.
  const open = ofThese(await db.selectFrom('rotation').selectAll().where('secret', '=', id).where('result', 'is', null).execute())
  if (open.length === 1 && open[0] !== undefined) return open[0]
  const all = await db
    .selectFrom('rotation')
    .selectAll()
    .where((eb) => eb(eb.fn<string>('substr', ['id', eb.val(1), eb.val(id.length)]), '=', id))
    .orderBy('id')
    .execute()
  const begins = ofThese(all).slice(0, 20)
  if (begins.length === 1 && begins[0] !== undefined) return begins[0]
  throw new KeyturnError('ROTATION_UNKNOWN', begins.length > 1 ? `${id} could be ${begins.map((row) => row.id).join(', ')}` : id)
}

/** So often a journal that is being written is read again before it is taken as it is. */
const READS = 100

/**
 * A rotation with its entries, both as they were at one moment: another run may append between two reads, and that is no change from
 * outside. Throws ROTATION_UNKNOWN.
 */
export async function readWhole(db: Kysely<Tables>, id: string): Promise<{ readonly row: RotationRow; readonly entries: StoredEntry[] }> {
  let row = await findRotation(db, id)
  for (let left = READS; ; left -= 1) {
    const entries = await readJournal(db, row.id)
    const after = await findRotation(db, row.id)
    // Every append moves the head together with its entries.
    if ((after.seq === row.seq && after.head === row.head) || left === 0) return { row: after, entries }
    row = after
  }
}

export interface RotationFilter {
  readonly system?: string
  readonly environment?: string
  readonly secret?: string
  readonly open?: boolean
  /** Only those that want to go on at this time or before, unix ms. */
  readonly dueBy?: number
}

/** Rotations, newest first. */
export async function listRotations(db: Kysely<Tables>, filter: RotationFilter = {}): Promise<RotationRow[]> {
  let query = db.selectFrom('rotation').selectAll().orderBy('opened_at', 'desc').orderBy('id')
  if (filter.system !== undefined) query = query.where('system', '=', filter.system)
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment)
  if (filter.secret !== undefined) query = query.where('secret', '=', filter.secret)
  if (filter.open !== undefined) query = query.where('result', filter.open ? 'is' : 'is not', null)
  if (filter.dueBy !== undefined) query = query.where('due_at', '<=', filter.dueBy)
  return query.execute()
}

/** The earliest time, later than `after`, at which an open rotation wants to go on, unix ms; undefined when none does. */
export async function nextDue(db: Kysely<Tables>, after: number = -1): Promise<number | undefined> {
  const row = await db.selectFrom('rotation').select((eb) => eb.fn.min('due_at').as('due')).where('result', 'is', null).where('due_at', '>', after).executeTakeFirst()
  return row?.due ?? undefined
}

/** The claim that a row stands for, for its present owner. */
export function claimOf(row: RotationRow): Claim {
  return { rotation: row.id, fence: row.fence, seq: row.seq, head: row.head, holding: row.holds !== null }
}
