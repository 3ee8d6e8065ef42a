import { sign } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KeyturnError } from '../kit/index.ts'
import { chain, GENESIS, type StoredEntry, verifyChain } from '../state/journal.ts'
import type { State } from '../state/open.ts'
import { listRotations, readWhole } from '../state/rotation.ts'
import { brokenInvariants } from './invariants.ts'
import { canonicalJson, isSigned, type SignedReceipt, verifyReceipt } from './receipt.ts'
import { toEvent } from './recorder.ts'

/** The heads of all journals at one time. What is before them cannot be changed any more without being found. */
export interface Checkpoint {
  readonly format: 'keyturn-checkpoint/1'
  readonly at: string
  readonly heads: Readonly<Record<string, { readonly seq: number; readonly head: string }>>
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
  const checkpoint: Checkpoint = { format: 'keyturn-checkpoint/1', at: new Date(now).toISOString(), heads }
  return { checkpoint, publicKey: identity.publicKey, signature: sign(null, Buffer.from(canonicalJson(checkpoint)), identity.signingKey).toString('base64') }
}

/**
 * Verifies every journal by itself, against the receipts that lie beside the database, and against a checkpoint when there is
 * one. Tamper evidence reaches up to the last receipt or checkpoint, and not against the holder of the identity.
 */
export async function verifyState(state: State, outside: { readonly checkpoint?: SignedCheckpoint; readonly key?: string } = {}): Promise<Audit> {
  const problems: string[] = []
  const key = outside.key ?? (state.publicKey === '' ? undefined : state.publicKey)
  const anchors = [...checkpointAnchors(outside.checkpoint, key, problems), ...receiptAnchors(state.folder, key, problems)]
  const receipts = anchors.filter((anchor) => anchor.from === 'receipt').length
  let entries = 0
  const rows = await listRotations(state.db)
  const hashes = new Map<string, readonly string[]>()
  for (const { id } of rows) {
    const { row, entries: stored } = await readWhole(state.db, id)
    entries += stored.length
    const broken = verifyChain(stored, { seq: row.seq, hash: row.head }, row.id)
    if (broken !== undefined) problems.push(`${row.id}: ${broken}`)
    else problems.push(...brokenPromises(stored).map((each) => `${row.id}: ${each}`))
    // Computed again from the bytes: what the table says of its own hashes proves nothing.
    let head = GENESIS
    hashes.set(row.id, stored.map((entry) => (head = chain(head, entry.bytes))))
  }
  for (const anchor of anchors) {
    const seen = hashes.get(anchor.rotation)
    if (seen === undefined) problems.push(`${anchor.rotation}: the journal is gone, a ${anchor.from} knows it`)
    else if (seen.length < anchor.seq) problems.push(`${anchor.rotation}: ends at entry ${seen.length}, a ${anchor.from} knows ${anchor.seq}`)
    else if (seen[anchor.seq - 1] !== anchor.head) problems.push(`${anchor.rotation}: differs from a ${anchor.from} at entry ${anchor.seq} or before`)
  }
  return { rotations: rows.length, entries, receipts, anchored: new Set(anchors.map((anchor) => anchor.rotation)).size, problems }
}

/** What the entries break; a journal whose hashes were all computed again may hold anything. */
function brokenPromises(stored: readonly StoredEntry[]): string[] {
  try {
    return brokenInvariants(stored.map(toEvent))
  } catch {
    return ['the entries are not those of a rotation']
  }
}

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
  return Object.entries(signed.checkpoint.heads).map(([rotation, head]) => ({ from: 'checkpoint', rotation, ...head }))
}

function receiptAnchors(folder: string, key: string | undefined, problems: string[]): Anchor[] {
  const receipts = join(folder, 'receipts')
  if (!existsSync(receipts)) return []
  return readdirSync(receipts)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name): Anchor[] => {
      try {
        const { rotation, chain: head } = verifyReceipt(JSON.parse(readFileSync(join(receipts, name), 'utf8')) as SignedReceipt, key)
        return [{ from: 'receipt', rotation, ...head }]
      } catch (thrown) {
        problems.push(`receipt ${name}: ${thrown instanceof KeyturnError ? thrown.message : 'cannot be read'}`)
        return []
      }
    })
}
