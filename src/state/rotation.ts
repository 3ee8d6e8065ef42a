import type { Kysely, Selectable } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import { type Claim, chain, type Entry, GENESIS, readJournal, storedBytes, type StoredEntry } from './journal.ts'
import type { Written } from './commit.ts'
import { stateError } from './error.ts'
import { stillHere } from './moved.ts'
import type { State } from './open.ts'
import type { Tables } from './schema.ts'
import type { Sealed } from '../sealing/seal.ts'

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
  /** Sealed credentials by name: `new` where a person gave its value. */
  readonly sealed?: Readonly<Record<string, Sealed>>
  /** Only while no other rotation of the system and environment is open. */
  readonly alone?: boolean
}

/** Opens rotations with their first entries, all or none. Throws ROTATION_OPEN when the principal of one has one already, or, `alone`, its system. */
export async function insertRotation(state: Pick<State, 'db' | 'commit'>, rotation: NewRotation, ...others: readonly NewRotation[]): Promise<void> {
  const { db } = state
  const { id, opened } = rotation
  const head = chain(GENESIS, storedBytes(1, opened))
  try {
    // That the state is still here is said once.
    await state.commit([...insertions(db, rotation), ...others.flatMap((each) => insertions(db, each).slice(1))], () => db.selectFrom('event').select('seq').where('rotation', '=', id).where('hash', '=', head).compile())
  } catch (thrown) {
    throw thrown instanceof Taken ? await whyTaken(db, rotation, others) : stateError(thrown)
  }
}

/** What opening a rotation writes, for one transaction, perhaps the one that ends the rotation before it. */
export function insertions(db: Kysely<Tables>, rotation: NewRotation): Written[] {
  const { id, system, environment, secret, principal, opened, sealed = {}, alone } = rotation
  const body = storedBytes(1, opened)
  const head = chain(GENESIS, body)
  const row = {
    id, system, environment, secret, principal, opened_at: opened.at, result: null, closed_at: null, seq: 1, head, fence: 0, owner: null, lease_until: 0, due_at: opened.at, waits_for: null,
    holds: null, holds_until: 0,
  }
  return [
    stillHere(db),
    // Whoever opens one at the same time waits for the row of the statement before.
    ...(alone === true ? [{ query: stillHere(db, openIn(db, system, environment)).query, unless: () => new Taken() }] : []),
    // The index of open principals says who is first, also of two at once.
    { query: db.insertInto('rotation').values(row).onConflict((oc) => oc.doNothing()).compile(), unless: () => new Taken() },
    { query: db.insertInto('event').values({ rotation: id, seq: 1, type: opened.type, at: opened.at, body, hash: head }).compile() },
    ...Object.entries(sealed).map(([name, one]) => ({ query: db.insertInto('sealed').values({ rotation: id, name, ...one }).compile() })),
  ]
}

/** There is such a rotation already. */
class Taken extends Error {}

async function whyTaken(db: Kysely<Tables>, { system, environment, principal, alone }: NewRotation, others: readonly NewRotation[]): Promise<KeyturnError> {
  const open = await db.selectFrom('rotation').select('id').where('principal', 'in', [principal, ...others.map((each) => each.principal)]).where('result', 'is', null).executeTakeFirst()
  if (open !== undefined || alone !== true) return new KeyturnError('ROTATION_OPEN', open?.id ?? principal)
  const other = await openIn(db, system, environment).executeTakeFirst()
  return new KeyturnError('ROTATION_OPEN', `${other?.id ?? system}, and \`schedule.serial\` lets only one of the system be`)
}

function openIn(db: Kysely<Tables>, system: string, environment: string) {
  return db.selectFrom('rotation').select('id').where('system', '=', system).where('environment', '=', environment).where('result', 'is', null)
}

/**
 * One rotation: by its id, by a prefix of it that no other has, or by the secret of which it is the open one, or the only one. With
 * `within` only those of one system and environment count: two manifests may share a state, and one must not turn the other's back.
 * Throws ROTATION_UNKNOWN, which lists them when it could be several.
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
  const meant = await db
    .selectFrom('rotation')
    .selectAll()
    .where((eb) => eb.or([eb('secret', '=', id), eb(eb.fn<string>('substr', ['id', eb.val(1), eb.val(id.length)]), '=', id)]))
    .orderBy('opened_at', 'desc')
    .orderBy('id')
    .execute()
  const all = ofThese(meant)
  const ofSecret = all.filter((row) => row.secret === id)
  const open = ofSecret.filter((row) => row.result === null)
  // A name of a secret means that one, also where another secret's begins with it.
  const [only, ...others] = open.length === 1 ? open : ofSecret.length > 0 ? ofSecret : all
  if (only === undefined) throw new KeyturnError('ROTATION_UNKNOWN', id)
  if (others.length > 0) throw ambiguous(id, [only, ...others])
  return only
}

/** So many candidates are listed. */
const LISTED = 20

function ambiguous(id: string, newestFirst: readonly RotationRow[]): KeyturnError {
  const lines = newestFirst.slice(0, LISTED).map((row) => `  ${row.id}  opened ${new Date(row.opened_at).toISOString().slice(0, 19)}Z  ${row.result ?? 'open'}`)
  const more = newestFirst.length > LISTED ? [`  and ${newestFirst.length - LISTED} older ones`] : []
  return new KeyturnError('ROTATION_UNKNOWN', [`${id} could be one of ${newestFirst.length}, newest first:`, ...lines, ...more].join('\n'), {
    hint: `Name one by its id, or by a beginning of it that no other has: \`keyturn show ${newestFirst[0]?.id ?? 'ROTATION'}\`.`,
  })
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

/** Which rotations want to go on. */
export interface DueFilter {
  readonly system: string
  readonly environment: string
  /** At this time or before, unix ms. */
  readonly by: number
  /** By this clock a lease is over, unix ms. */
  readonly now: number
  /** So many at most of those that nobody holds. */
  readonly atMost: number
}

/** Open rotations that want to go on, the longest due first; and behind them those that somebody holds, since that one may be gone. */
export async function listDueRotations(db: Kysely<Tables>, { system, environment, by, now, atMost }: DueFilter): Promise<RotationRow[]> {
  const due = db.selectFrom('rotation').selectAll().where('result', 'is', null).where('system', '=', system).where('environment', '=', environment).where('due_at', '<=', by).orderBy('due_at').orderBy('id')
  const free = due.where('lease_until', '<=', now)
  return [...(await (Number.isFinite(atMost) ? free.limit(atMost) : free).execute()), ...(await due.where('owner', 'is not', null).where('lease_until', '>', now).execute())]
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
