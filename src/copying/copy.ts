import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import { holderOf } from '../state/holder.ts'
import { verifyChain } from '../state/journal.ts'
import { type Move, readMoves, replaceMove, writeArriving } from '../state/moved.ts'
import { readNotes } from '../state/note.ts'
import { openState, type State } from '../state/open.ts'
import { orphansIn } from './orphans.ts'
import type { StatePlace } from '../state/place.ts'
import { readReceiptFiles, readReceipts, saveReceipt } from '../proof/receipts.ts'
import { readWhole } from '../state/rotation.ts'
import { clearRows, released, type Row, rowsOf, takenFrom, Tally } from './rows.ts'
import type { Tables } from '../state/schema.ts'

/** What was copied. */
export interface Copied {
  readonly from: string
  readonly to: string
  /** Rows by table. */
  readonly counts: Tally['counts']
  /** Rotations that are open and go on at the new place. */
  readonly open: number
}

/** A lease that no clock comes to; a date all the same, for messages. */
const FOR_EVER = Date.UTC(9999, 0)

/** So many rows in one statement. */
const BATCH = 100

/**
 * Moves a state to a place where there is none, with everything in it and its open rotations where they are. There is no moment at
 * which both places may be written: from its beginning nothing is changed at the old one any more, and nothing at the new one before
 * its end. Cut short anywhere, it is run again. `isDead` says of an owner whether its process is certainly gone. Throws LOCKED while
 * somebody is at work, USAGE when there is a state at the new place, JOURNAL_BROKEN when the old one does not verify, STATE_MOVED when
 * it went elsewhere; then the old one is as it was.
 */
export async function copyState(from: StatePlace, to: StatePlace, isDead: (owner: string) => boolean): Promise<Copied> {
  const source = await openState(from, undefined)
  try {
    const target = await openState(to, undefined, true)
    try {
      await carryOver(source, target, isDead)
      return { from: source.name, to: target.name, ...(await countsOf(target.db)) }
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

async function carryOver(source: State, target: State, isDead: (owner: string) => boolean): Promise<void> {
  const { moved } = await readMoves(source.db)
  const { arriving } = await readMoves(target.db)
  if (moved?.done === true && arriving !== moved.token) throw new KeyturnError('STATE_MOVED', `it is at ${moved.to} now`)
  if (moved?.done !== true) {
    await refuseOccupied(target, arriving)
    const begun = await begin(source, moved, target.name, isDead)
    try {
      await fill(source, target, begun.move)
    } catch (thrown) {
      await giveBack(source, begun)
      throw thrown
    }
    // Of two that copy at once only the later one gets here.
    if (!(await replaceMove(source.db, begun.move, { ...begun.move, done: true }))) throw new KeyturnError('STATE_MOVED', 'another copy of it was begun meanwhile')
  }
  await writeArriving(target.db, undefined)
}

async function refuseOccupied({ db, name }: State, arriving: string | undefined): Promise<void> {
  const rotation = await db.selectFrom('rotation').select('id').executeTakeFirst()
  const owner = await db.selectFrom('meta').select('key').where('key', '=', 'recipient').executeTakeFirst()
  if (arriving !== undefined || (rotation === undefined && owner === undefined)) return
  throw new KeyturnError('USAGE', `there is a state at ${name} already`, { hint: 'Name a place that is empty: another folder, another schema or another database.' })
}

/** A move that is under way, and what is put back when it fails. */
interface Begun {
  readonly move: Move
  readonly before: readonly { readonly id: string; readonly owner: string | null; readonly lease_until: number }[]
}

/** Takes every open rotation, so that whoever held one is fenced, and marks the state as leaving: from now on nobody changes it. */
async function begin(source: State, before: Move | undefined, to: string, isDead: (owner: string) => boolean): Promise<Begun> {
  const move = { to, token: randomUUID(), done: false }
  const now = await source.clock()
  return source.db.transaction().execute(async (tx) => {
    if (!(await replaceMove(tx, before, move))) throw new KeyturnError('LOCKED', 'another copy of it has just begun')
    await source.freeze?.(tx)
    const open = await tx.selectFrom('rotation').selectAll().where('result', 'is', null).execute()
    const held = open.find((row) => row.owner !== null && row.owner !== takenFrom(row.owner) && row.lease_until > now && !isDead(row.owner))
    if (held !== undefined) throw new KeyturnError('LOCKED', `${held.id} is held by ${holderOf(held.owner ?? '')}`, { hint: 'Stop what runs (`keyturn run` and its workers), then copy again; nothing was changed.' })
    const [orphan] = orphansIn(source.folder)
    if (orphan !== undefined) throw new KeyturnError('LOCKED', `a command of a run that was killed is still at work (${orphan})`)
    for (const row of open) {
      const taken = { owner: takenFrom(row.owner), lease_until: FOR_EVER, fence: row.fence + 1 }
      await tx.updateTable('rotation').set(taken).where('id', '=', row.id).execute()
    }
    return { move, before: open.map((row) => released(row)).map(({ id, owner, lease_until }) => ({ id, owner, lease_until })) }
  })
}

async function giveBack(source: State, { move, before }: Begun): Promise<void> {
  await source.db.transaction().execute(async (tx) => {
    if (!(await replaceMove(tx, move, undefined))) return
    for (const { id, ...row } of before) await tx.updateTable('rotation').set(row).where('id', '=', id).execute()
  })
}

/** Everything in one transaction, then all of it read again. */
async function fill(source: State, target: State, move: Move): Promise<void> {
  await verifyAll(source.db)
  const files = source.kind === 'sqlite' ? readReceiptFiles(source.folder) : []
  const tally = new Tally()
  await target.db.transaction().execute(async (tx) => {
    await clearRows(tx)
    await writeArriving(tx, move.token)
    const own = await source.db.selectFrom('meta').selectAll().where('key', 'not in', ['version', 'moved', 'arriving']).execute()
    await tx.deleteFrom('meta').where('key', 'not in', ['version', 'moved', 'arriving']).execute()
    if (own.length > 0) await tx.insertInto('meta').values(own).execute()
    const writer = new Writer(tx)
    for await (const row of withReceipts(rowsOf(source.db), new Map(files.map((file) => [file.rotation, file.text])))) {
      tally.add(row)
      await writer.add(row)
    }
    await writer.flush()
  })
  const seen = new Tally()
  for await (const row of rowsOf(target.db)) seen.add(row)
  if (seen.digest() !== tally.digest()) throw new KeyturnError('JOURNAL_BROKEN', `what ${target.name} holds is not what was copied`)
  await verifyAll(target.db)
  if (target.kind === 'sqlite') for (const { rotation, text } of await readReceipts(target)) saveReceipt(target.folder, rotation, text)
}

/** Adds what an older keyturn kept in files only, where the row of the database would stand. */
async function* withReceipts(rows: AsyncIterable<Row>, files: ReadonlyMap<string, string>): AsyncGenerator<Row> {
  const left = new Map(files)
  let current: string | undefined
  const missing = function* (): Generator<Row> {
    const body = current === undefined ? undefined : left.get(current)
    if (body !== undefined) yield { table: 'receipt', values: { rotation: current, body } }
  }
  for await (const row of rows) {
    if (row.table === 'receipt') left.delete(String(row.values['rotation']))
    if (row.table === 'rotation' || row.table === 'note' || row.table === 'notice' || row.table === 'credential') {
      yield* missing()
      current = row.table === 'rotation' ? String(row.values['id']) : undefined
    }
    yield row
  }
  yield* missing()
}

/** Inserts rows in batches, each of one table. */
class Writer {
  readonly #tx: Kysely<Tables>
  #table: Row['table'] = 'rotation'
  #rows: Row['values'][] = []

  constructor(tx: Kysely<Tables>) {
    this.#tx = tx
  }

  async add({ table, values }: Row): Promise<void> {
    if (table !== this.#table || this.#rows.length === BATCH) await this.flush()
    this.#table = table
    this.#rows.push(values)
  }

  async flush(): Promise<void> {
    // The rows are those of this very table in another database.
    if (this.#rows.length > 0) await this.#tx.insertInto(this.#table).values(this.#rows as never).execute()
    this.#rows = []
  }
}

async function verifyAll(db: Kysely<Tables>): Promise<void> {
  for (const { id } of await db.selectFrom('rotation').select('id').execute()) {
    const { row, entries } = await readWhole(db, id)
    const broken = verifyChain(entries, { seq: row.seq, hash: row.head }, row.id)
    if (broken !== undefined) throw new KeyturnError('JOURNAL_BROKEN', `${row.id}: ${broken}`)
  }
  const notes = await readNotes(db)
  const broken = verifyChain(notes.entries, notes.head)
  if (broken !== undefined) throw new KeyturnError('JOURNAL_BROKEN', `notes: ${broken}`)
}

async function countsOf(db: Kysely<Tables>): Promise<Pick<Copied, 'counts' | 'open'>> {
  const tally = new Tally()
  let open = 0
  for await (const row of rowsOf(db)) {
    tally.add(row)
    if (row.table === 'rotation' && row.values['result'] === null) open += 1
  }
  return { counts: tally.counts, open }
}
