import { createHash } from 'node:crypto'
import type { CompiledQuery, Kysely, Transaction, Updateable } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import { giveLock, type LockStatements, lockStatements, takeLock } from './lock.ts'
import { stateError } from './open.ts'
import type { Tables } from './schema.ts'
import type { Sealed } from './seal.ts'
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
  /** Compiled with the first append. */
  statements?: AppendStatements
}

/** What every append says to the database. */
export interface AppendStatements extends LockStatements {
  /** Moves the head, if nobody else has. */
  readonly move: (values: { readonly rotation: string; readonly fence: number; readonly from: number; readonly seq: number; readonly head: string }) => CompiledQuery
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
  readonly sealed?: Readonly<Partial<Record<'new' | 'old', Sealed>>>
  readonly ledger?: readonly LedgerChange[]
  readonly dueAt?: number | null
  readonly waitsFor?: string | null
  /** The resource to lock for the step that begins; LOCKED is thrown, and nothing written, while another rotation has it. */
  readonly take?: string
  /** The resource to give back with the outcome. */
  readonly give?: string
  /** Closes the rotation, frees what it holds and wipes the sealed values that are named. */
  readonly close?: { readonly result: string; readonly wipe: readonly ('new' | 'old')[] }
}

/** The hash before the first entry. */
export const GENESIS = '0'.repeat(64)

/** The chain: each hash covers the one before and the stored bytes. Plain SHA-256, so that anybody can compute it. */
export function chain(previous: string, bytes: string): string {
  return createHash('sha256').update(previous).update('\n').update(bytes).digest('hex')
}

/** The stored form of an entry. Its number, type and time are part of the bytes, so none of them can be changed alone. */
export function storedBytes(seq: number, entry: Entry): string {
  return JSON.stringify({ seq, type: entry.type, at: entry.at, ...entry.body })
}

/**
 * Appends entries and everything that belongs to them in one durable transaction, under `seq` and `fence`: when another owner
 * has claimed the rotation, or has appended, nothing is written and FENCED is thrown. Never repeats an entry.
 * Two commits are all that an effect costs (its intent, its outcome): locks, ledger and sealed values ride along.
 */
export async function append(db: Kysely<Tables>, claim: Claim, entries: readonly Entry[], together: Together = {}): Promise<void> {
  const rows: { seq: number; entry: Entry; bytes: string; hash: string }[] = []
  let { seq, head } = claim
  for (const entry of entries) {
    seq += 1
    const bytes = storedBytes(seq, entry)
    head = chain(head, bytes)
    rows.push({ seq, entry, bytes, hash: head })
  }
  const last = entries.at(-1)?.at ?? 0
  const statements = (claim.statements ??= appendStatements(db))
  try {
    await db.transaction().execute(async (tx) => {
      const moved = await tx.executeQuery(statements.move({ rotation: claim.rotation, fence: claim.fence, from: claim.seq, seq, head }))
      if (moved.numAffectedRows !== 1n) throw new KeyturnError('FENCED', claim.rotation)
      if (together.take !== undefined) await takeLock(tx, statements, together.take, claim, last)
      for (const row of rows) {
        await tx.executeQuery(statements.add({ rotation: claim.rotation, seq: row.seq, type: row.entry.type, at: row.entry.at, body: row.bytes, hash: row.hash }))
      }
      await writeTogether(tx, statements, claim.rotation, last, together)
    })
  } catch (thrown) {
    throw stateError(thrown)
  }
  claim.seq = seq
  claim.head = head
}

function appendStatements(db: Kysely<Tables>): AppendStatements {
  return {
    ...lockStatements(db),
    move: statement((slot) =>
      db.updateTable('rotation').set({ seq: slot('seq'), head: slot('head') }).where('id', '=', slot('rotation')).where('seq', '=', slot('from')).where('fence', '=', slot('fence')),
    ),
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

async function writeTogether(tx: Transaction<Tables>, statements: AppendStatements, rotation: string, at: number, together: Together): Promise<void> {
  for (const [name, sealed] of Object.entries(together.sealed ?? {})) {
    await tx.insertInto('sealed').values({ rotation, name, ...sealed }).onConflict((oc) => oc.columns(['rotation', 'name']).doUpdateSet({ ...sealed })).execute()
  }
  for (const change of together.ledger ?? []) await tx.executeQuery(statements.record({ ...change, rotation, at }))
  if (together.give !== undefined) await giveLock(tx, statements, together.give, rotation)
  const index = indexOf(together, at)
  if (index !== undefined) await tx.updateTable('rotation').set(index).where('id', '=', rotation).execute()
  if (together.close === undefined) return
  await tx.deleteFrom('lock').where('rotation', '=', rotation).execute()
  if (together.close.wipe.length > 0) await tx.deleteFrom('sealed').where('rotation', '=', rotation).where('name', 'in', [...together.close.wipe]).execute()
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
  return rows.map((row) => {
    const { seq: _, type: __, at: ___, ...body } = parseBody(row.body)
    return { seq: row.seq, type: row.type, at: row.at, body, bytes: row.body, hash: row.hash }
  })
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
