import { sign } from 'node:crypto'
import { toEvent } from '../journal/read.ts'
import { brokenInvariants } from '../journal/invariants.ts'
import { KeyturnError } from '../kit/index.ts'
import { chain, GENESIS, type StoredEntry, verifyChain } from '../state/journal.ts'
import { readNotes } from '../state/note.ts'
import type { State } from '../state/open.ts'
import { listRotations, readWhole } from '../state/rotation.ts'
import { canonicalJson, isSigned, type SignedReceipt, verifyReceipt } from './receipt.ts'
import { type KeptReceipt, readReceipts } from './receipts.ts'

/** The heads of all journals at one time. What is before them cannot be changed any more without being found. */
export interface Checkpoint {
  readonly format: 'keyturn-checkpoint/1'
  readonly at: string
  readonly heads: Readonly<Record<string, { readonly seq: number; readonly head: string }>>
  /** The head of the notes; absent while there are none. */
  readonly notes?: { readonly seq: number; readonly head: string }
}

export interface SignedCheckpoint {
  readonly checkpoint: Checkpoint
  readonly publicKey: string
  readonly signature: string
}

export interface Audit {
  readonly rotations: number
  readonly entries: number
  readonly receipts: number
  /** What people did beside rotations. */
  readonly notes: number
  /** Journals that were compared with a checkpoint outside the database. */
  readonly anchored: number
  /** In words; empty when everything verifies. */
  readonly problems: readonly string[]
}

/** The heads of all journals, signed; to be kept where the state is not. Throws IDENTITY_MISSING without an identity. */
export async function exportCheckpoint(state: State, now: number): Promise<SignedCheckpoint> {
  const { identity } = state
  if (identity === undefined) throw new KeyturnError('IDENTITY_MISSING')
  const rows = await listRotations(state.db)
  const heads = Object.fromEntries(rows.map((row) => [row.id, { seq: row.seq, head: row.head }]))
  const { head } = await readNotes(state.db)
  const notes = head.seq === 0 ? {} : { notes: { seq: head.seq, head: head.hash } }
  const checkpoint: Checkpoint = { format: 'keyturn-checkpoint/1', at: new Date(now).toISOString(), heads, ...notes }
  return { checkpoint, publicKey: identity.publicKey, signature: sign(null, Buffer.from(canonicalJson(checkpoint)), identity.signingKey).toString('base64') }
}

/** What is known outside of the state. */
export interface Outside {
  readonly checkpoint?: SignedCheckpoint
  /** PEM of the key that must have signed. */
  readonly key?: string
}

/** Where there is no state: nothing to verify, but a receipt or a checkpoint may know of journals, and those are gone then. */
export function verifyAbsence(receipts: readonly KeptReceipt[], { checkpoint, key }: Outside = {}): Audit {
  const problems: string[] = []
  const found = receiptAnchors(receipts, key, problems)
  const anchors = [...checkpointAnchors(checkpoint, key, problems), ...found]
  return { rotations: 0, entries: 0, receipts: found.length, notes: 0, anchored: 0, problems: [...problems, ...contradictions(anchors, new Map())] }
}

/**
 * Verifies every journal by itself, against the receipts that lie in the state, and against a checkpoint when there is
 * one. Tamper evidence reaches up to the last receipt or checkpoint, and not against the holder of the identity.
 */
export async function verifyState(state: State, outside: Outside = {}): Promise<Audit> {
  const problems: string[] = []
  const key = outside.key ?? (state.publicKey === '' ? undefined : state.publicKey)
  const anchors = [...checkpointAnchors(outside.checkpoint, key, problems), ...receiptAnchors(await readReceipts(state), key, problems)]
  const receipts = new Set(anchors.flatMap((anchor) => (anchor.from === 'receipt' ? [anchor.rotation] : []))).size
  let entries = 0
  const rows = await listRotations(state.db)
  const hashes = new Map<string, readonly string[]>()
  for (const { id } of rows) {
    const { row, entries: stored } = await readWhole(state.db, id)
    entries += stored.length
    const broken = verifyChain(stored, { seq: row.seq, hash: row.head }, row.id)
    if (broken !== undefined) problems.push(`${row.id}: ${broken}`)
    else problems.push(...brokenPromises(stored).map((each) => `${row.id}: ${each}`))
    hashes.set(row.id, hashesOf(stored))
  }
  const notes = await readNotes(state.db)
  const broken = verifyChain(notes.entries, notes.head)
  if (broken !== undefined) problems.push(`notes: ${broken}`)
  hashes.set(NOTES, hashesOf(notes.entries))
  problems.push(...contradictions(anchors, hashes))
  return { rotations: rows.length, entries, receipts, notes: notes.entries.length, anchored: new Set(anchors.map((anchor) => anchor.rotation)).size, problems }
}

/** What the outside knows otherwise. `hashes` are those of the entries, by journal. */
function contradictions(anchors: readonly Anchor[], hashes: ReadonlyMap<string, readonly string[]>): string[] {
  return anchors.flatMap(({ rotation, from, seq, head }) => {
    const seen = hashes.get(rotation)
    if (seen === undefined) return [`${rotation}: the journal is gone, a ${from} knows it`]
    if (seen.length < seq) return [`${rotation}: ends at entry ${seen.length}, a ${from} knows ${seq}`]
    return seen[seq - 1] === head ? [] : [`${rotation}: differs from a ${from} at entry ${seq} or before`]
  })
}

/** Computed again from the bytes: what the table says of its own hashes proves nothing. */
function hashesOf(stored: readonly StoredEntry[]): string[] {
  let head = GENESIS
  return stored.map((entry) => (head = chain(head, entry.bytes)))
}

/** What the entries break; a journal whose hashes were all computed again may hold anything. */
function brokenPromises(stored: readonly StoredEntry[]): string[] {
  try {
    return brokenInvariants(stored.map(toEvent))
  } catch {
    return ['the entries are not those of a rotation']
  }
}

/** Stands among the ids of rotations, none of which is this word alone. */
const NOTES = 'notes'

interface Anchor {
  readonly from: 'receipt' | 'checkpoint'
  readonly rotation: string
  readonly seq: number
  readonly head: string
}

function checkpointAnchors(signed: SignedCheckpoint | undefined, key: string | undefined, problems: string[]): Anchor[] {
  if (signed === undefined) return []
  if (!isSigned(signed, signed.checkpoint, key)) {
    problems.push('the checkpoint does not verify')
    return []
  }
  const { heads, notes } = signed.checkpoint
  return Object.entries({ ...heads, ...(notes === undefined ? {} : { [NOTES]: notes }) }).map(([rotation, head]) => ({ from: 'checkpoint', rotation, ...head }))
}

function receiptAnchors(receipts: readonly KeptReceipt[], key: string | undefined, problems: string[]): Anchor[] {
  return receipts.flatMap(({ name, text }): Anchor[] => {
    try {
      const { rotation, chain: head } = verifyReceipt(JSON.parse(text) as SignedReceipt, key)
      return [{ from: 'receipt', rotation, ...head }]
    } catch (thrown) {
      problems.push(`receipt ${name}: ${thrown instanceof KeyturnError ? thrown.message : 'cannot be read'}`)
      return []
    }
  })
}
