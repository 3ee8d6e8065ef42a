import { createHash } from 'node:crypto'
import type { Kysely, Transaction } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import { giveLock, takeLock } from './lock.ts'
import { stateError } from './open.ts'
import type { Tables } from './schema.ts'
import type { Sealed } from './seal.ts'

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
  try {
    await db.transaction().execute(async (tx) => {
      const moved = await tx
        .updateTable('rotation')
        .set({
          seq,
          head,
          ...(together.dueAt === undefined ? {} : { due_at: together.dueAt }),
          ...(together.waitsFor === undefined ? {} : { waits_for: together.waitsFor }),
          ...(together.close === undefined ? {} : { result: together.close.result, closed_at: last, due_at: null, waits_for: null, owner: null, lease_until: 0 }),
        })
        .where('id', '=', claim.rotation)
        .where('seq', '=', claim.seq)
        .where('fence', '=', claim.fence)
        .executeTakeFirst()
      if (moved.numUpdatedRows !== 1n) throw new KeyturnError('FENCED', claim.rotation)
      if (together.take !== undefined) await takeLock(tx, together.take, claim, last)
      await tx
        .insertInto('event')
        .values(rows.map((row) => ({ rotation: claim.rotation, seq: row.seq, type: row.entry.type, at: row.entry.at, body: row.bytes, hash: row.hash })))
        .execute()
      await writeTogether(tx, claim.rotation, last, together)
    })
  } catch (thrown) {
    throw stateError(thrown)
  }
  claim.seq = seq
  claim.head = head
}

async function writeTogether(tx: Transaction<Tables>, rotation: string, at: number, together: Together): Promise<void> {
  for (const [name, sealed] of Object.entries(together.sealed ?? {})) {
    await tx.insertInto('sealed').values({ rotation, name, ...sealed }).onConflict((oc) => oc.columns(['rotation', 'name']).doUpdateSet({ ...sealed })).execute()
  }
  for (const change of together.ledger ?? []) {
    await tx
      .insertInto('credential')
      .values({ secret_key: change.secretKey, provider_id: change.providerId, fingerprint: change.fingerprint, state: change.state, rotation, at })
      .onConflict((oc) => oc.columns(['secret_key', 'provider_id', 'fingerprint']).doUpdateSet({ state: change.state, rotation, at }))
      .execute()
  }
  if (together.give !== undefined) await giveLock(tx, together.give, rotation)
  if (together.close === undefined) return
  await tx.deleteFrom('lock').where('rotation', '=', rotation).execute()
  if (together.close.wipe.length > 0) await tx.deleteFrom('sealed').where('rotation', '=', rotation).where('name', 'in', [...together.close.wipe]).execute()
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
