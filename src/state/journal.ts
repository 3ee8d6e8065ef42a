import { hash } from 'node:crypto'
import type { CompiledQuery, Kysely, Updateable } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import type { Written } from './commit.ts'
import { stateError } from './error.ts'
import type { State } from './open.ts'
import type { Tables } from './schema.ts'
import type { Sealed } from '../sealing/seal.ts'
import { statement } from './statement.ts'

/** One line of a journal: `body` is JSON without values. */
export interface Entry {
  readonly type: string
  /** Unix ms. */
  readonly at: number
  readonly body: Readonly<Record<string, unknown>>
}

/** A stored line: the bytes that the chain covers, and the hash up to it. */
export interface StoredEntry extends Entry {
  readonly seq: number
  readonly bytes: string
  readonly hash: string
}

/** The right to append: who holds the rotation, and the head that it has seen. Moves on with every append. */
export interface Claim {
  readonly rotation: string
  readonly fence: number
  seq: number
  head: string
  /** Whether a step is under way that holds something: then a release leaves the owner's name behind. */
  holding?: boolean
  /** Compiled with the first append. */
  statements?: AppendStatements
}

interface Move {
  readonly rotation: string
  readonly fence: number
  readonly from: number
  readonly seq: number
  readonly head: string
  readonly holds: string | null
  readonly until: number
  readonly now: number
}

/**
 * A store or a consumer that is held for one step, so that two secrets may share either. Neither the owner's lease nor its death
 * ends it: what the owner sent may still land (I10).
 */
export interface Hold {
  readonly resource: string
  /** When a late effect of the step can no longer land, unix ms: its deadline and the settling time. */
  readonly until: number
  /** The step begins: LOCKED is thrown, and nothing written, while another rotation holds it. */
  readonly begins: boolean
}

/** What every append says to the database. */
export interface AppendStatements {
  /** Moves the head, if nobody else has. */
  readonly move: (values: Move) => CompiledQuery
  /** The same, if no other rotation holds the resource at `now`. */
  readonly take: (values: Move) => CompiledQuery
  /** Selects the rotation if this is its head: no other entries have the same hash. */
  readonly landed: (values: Pick<Move, 'rotation' | 'seq' | 'head'>) => CompiledQuery
  readonly add: (values: { readonly rotation: string; readonly seq: number; readonly type: string; readonly at: number; readonly body: string; readonly hash: string }) => CompiledQuery
  readonly record: (values: LedgerChange & { readonly rotation: string; readonly at: number }) => CompiledQuery
}

/** A credential whose state in the ledger changes together with the entries. */
export interface LedgerChange {
  readonly secretKey: string
  readonly providerId: string
  readonly fingerprint: string
  readonly state: string
}

/** What changes in the same transaction as the entries. */
export interface Together {
  readonly sealed?: Readonly<Record<string, Sealed>>
  readonly ledger?: readonly LedgerChange[]
  readonly dueAt?: number | null
  readonly waitsFor?: string | null
  /** What the step under way holds; given back when absent. */
  readonly holds?: Hold
  /** The signed receipt, as JSON. */
  readonly receipt?: string
  /** Closes the rotation, frees what it holds and wipes the sealed values that are named. */
  readonly close?: { readonly result: string; readonly wipe: readonly string[] }
  /** Written after everything else, in the same transaction. */
  readonly also?: readonly Written[]
}

/** The hash before the first entry. */
export const GENESIS = '0'.repeat(64)

/** The chain: each hash covers the one before and the stored bytes. Plain SHA-256, so that anybody can compute it. */
export function chain(previous: string, bytes: string): string {
  return hash('sha256', `${previous}\n${bytes}`)
}

/** The stored form of an entry. Its number, type and time are part of the bytes, so none of them can be changed alone. */
export function storedBytes(seq: number, entry: Entry): string {
  return JSON.stringify({ seq, type: entry.type, at: entry.at, ...entry.body })
}

/**
 * Appends entries and everything that belongs to them in one durable transaction, under `seq` and `fence`: when another owner
 * has claimed the rotation, or has appended, nothing is written and FENCED is thrown. Never repeats an entry. When the answer of the
 * database was lost, its head says whether the entries are there; STATE_UNREACHABLE is thrown when that cannot be seen either.
 * Two commits are all that an effect costs (its intent, its outcome): locks, ledger and sealed values ride along.
 */
export async function append(state: Pick<State, 'db' | 'commit' | 'exclusive'>, claim: Claim, entries: readonly Entry[], together: Together = {}): Promise<void> {
  const { rotation, fence, seq: from } = claim
  const statements = (claim.statements ??= appendStatements(state.db))
  const added: Written[] = []
  let { seq, head } = claim
  for (const entry of entries) {
    seq += 1
    const body = storedBytes(seq, entry)
    head = chain(head, body)
    added.push({ query: statements.add({ rotation, seq, type: entry.type, at: entry.at, body, hash: head }) })
  }
  const last = entries.at(-1)?.at ?? 0
  const { holds } = together
  const moved: Move = { rotation, fence, from, seq, head, holds: holds?.resource ?? null, until: holds?.until ?? 0, now: last }
  const takes = holds?.begins === true ? holds.resource : undefined
  const beside = indexOf(together, last)
  const query = beside === undefined ? (takes === undefined ? statements.move : statements.take)(moved) : moving(state.db, (name) => moved[name] as never, takes !== undefined, beside).compile()
  const alone = takes === undefined || state.exclusive === undefined ? [] : [{ query: state.exclusive(takes) }]
  try {
    await state.commit([...alone, { query, unless: () => new Unmoved() }, ...added, ...written(state.db, statements, rotation, last, together), ...(together.also ?? [])], () => statements.landed({ rotation, seq, head }))
  } catch (thrown) {
    throw thrown instanceof Unmoved ? await whyUnmoved(state.db, claim, holds) : stateError(thrown)
  }
  claim.seq = seq
  claim.head = head
  claim.holding = holds !== undefined
}

/** The head could not be moved. */
class Unmoved extends Error {}

/** Either the claim is over, or another rotation holds what the step needs. */
async function whyUnmoved(db: Kysely<Tables>, { rotation, fence, seq }: Claim, holds: Hold | undefined): Promise<KeyturnError> {
  const row = await db.selectFrom('rotation').select('id').where('id', '=', rotation).where('fence', '=', fence).where('seq', '=', seq).executeTakeFirst()
  return row === undefined || holds === undefined ? new KeyturnError('FENCED', rotation) : new KeyturnError('LOCKED', holds.resource)
}

/** What appending says to this database, compiled. */
export function appendStatements(db: Kysely<Tables>): AppendStatements {
  return {
    move: statement((slot) => moving(db, slot, false)),
    landed: statement((slot) => db.selectFrom('rotation').select('id').where('id', '=', slot('rotation')).where('seq', '=', slot('seq')).where('head', '=', slot('head'))),
    take: statement((slot) => moving(db, slot, true)),
    add: statement((slot) =>
      db.insertInto('event').values({ rotation: slot('rotation'), seq: slot('seq'), type: slot('type'), at: slot('at'), body: slot('body'), hash: slot('hash') }),
    ),
    record: statement((slot) =>
      db
        .insertInto('credential')
        .values({
          secret_key: slot('secretKey'), provider_id: slot('providerId'), fingerprint: slot('fingerprint'), state: slot('state'), rotation: slot('rotation'), at: slot('at'),
        })
        .onConflict((oc) => oc.columns(['secret_key', 'provider_id', 'fingerprint']).doUpdateSet({ state: slot('state'), rotation: slot('rotation'), at: slot('at') })),
    ),
  }
}

/** Moves the head, with what changes beside it in the rotation's own row; with `takes` only while no other rotation holds the resource. */
function moving(db: Kysely<Tables>, slot: (name: keyof Move) => never, takes: boolean, beside: Updateable<Tables['rotation']> = {}) {
  const moved = db
    .updateTable('rotation')
    .set({ seq: slot('seq'), head: slot('head'), holds: slot('holds'), holds_until: slot('until'), ...beside })
    .where('id', '=', slot('rotation'))
    .where('seq', '=', slot('from'))
    .where('fence', '=', slot('fence'))
  if (!takes) return moved
  return moved.where((eb) =>
    eb.not(
      eb.exists(
        eb
          .selectFrom('rotation as other')
          .select('other.id')
          // Few are owned, of many that are open: the index is theirs.
          .where('other.owner', '>', '')
          .where('other.holds', '=', slot('holds'))
          .where('other.holds_until', '>', slot('now'))
          .where('other.id', '!=', slot('rotation')),
      ),
    ),
  )
}

function written(db: Kysely<Tables>, statements: AppendStatements, rotation: string, at: number, together: Together): Written[] {
  const { close, receipt, sealed = {}, ledger = [] } = together
  const queries = [
    ...Object.entries(sealed).map(([name, row]) => db.insertInto('sealed').values({ rotation, name, ...row }).onConflict((oc) => oc.columns(['rotation', 'name']).doUpdateSet({ ...row })).compile()),
    ...ledger.map((change) => statements.record({ ...change, rotation, at })),
    ...(receipt === undefined ? [] : [db.insertInto('receipt').values({ rotation, body: receipt }).onConflict((oc) => oc.column('rotation').doUpdateSet({ body: receipt })).compile()]),
    ...(close === undefined || close.wipe.length === 0 ? [] : [db.deleteFrom('sealed').where('rotation', '=', rotation).where('name', 'in', [...close.wipe]).compile()]),
  ]
  return queries.map((query) => ({ query }))
}

/** What changes in the rotation's own row beside its head; undefined when nothing does. */
function indexOf({ dueAt, waitsFor, close }: Together, at: number): Updateable<Tables['rotation']> | undefined {
  if (close !== undefined) return { result: close.result, closed_at: at, due_at: null, waits_for: null, owner: null, lease_until: 0 }
  if (dueAt === undefined && waitsFor === undefined) return undefined
  return { ...(dueAt === undefined ? {} : { due_at: dueAt }), ...(waitsFor === undefined ? {} : { waits_for: waitsFor }) }
}

/** All entries of a rotation in order, whatever is in the table: verifying them is for {@link verifyChain}. */
export async function readJournal(db: Kysely<Tables>, rotation: string): Promise<StoredEntry[]> {
  const rows = await db.selectFrom('event').selectAll().where('rotation', '=', rotation).orderBy('seq').execute()
  return rows.map(readStored)
}

/** A row of a chain as an entry. */
export function readStored(row: { readonly seq: number; readonly type: string; readonly at: number; readonly body: string; readonly hash: string }): StoredEntry {
  const { seq: _, type: __, at: ___, ...body } = parseBody(row.body)
  return { seq: row.seq, type: row.type, at: row.at, body, bytes: row.body, hash: row.hash }
}

/** Bytes that were changed so that they are no entry any more stand for an empty one, which no chain fits. */
function parseBody(bytes: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(bytes)
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
  } catch {
    return {}
  }
}

/** Names the first entry that does not fit the chain, the columns or the head; undefined when all do. */
export function verifyChain(entries: readonly StoredEntry[], head: { readonly seq: number; readonly hash: string }, rotation?: string): string | undefined {
  const named = entries[0]?.body['rotation']
  if (rotation !== undefined && named !== undefined && named !== rotation) return `it is the journal of ${String(named)}`
  let previous = GENESIS
  for (const [index, entry] of entries.entries()) {
    if (entry.seq !== index + 1) return `entry ${index + 1} is missing`
    if (storedBytes(entry.seq, entry) !== entry.bytes) return `entry ${entry.seq} differs from its columns`
    previous = chain(previous, entry.bytes)
    if (entry.hash !== previous) return `entry ${entry.seq} was changed`
  }
  if (entries.length !== head.seq) return `the head says ${head.seq} entries, there are ${entries.length}`
  return previous === head.hash ? undefined : 'the head is another one'
}
