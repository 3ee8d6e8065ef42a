import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reduceCause } from '../kit/error.ts'
import type { State } from '../state/open.ts'

/** Where the receipt of a rotation lies in a state that is a folder: beside the database, so that it outlives it. */
export function receiptFile(folder: string, rotation: string): string {
  return join(folder, 'receipts', `${rotation}.json`)
}

/** Writes the file, durably and whole; writing it again does no harm. */
export function saveReceipt(folder: string, rotation: string, text: string): void {
  const file = receiptFile(folder, rotation)
  mkdirSync(join(folder, 'receipts'), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.tmp`, text, { mode: 0o600, flush: true })
  renameSync(`${file}.tmp`, file)
}

/** A receipt as it is kept, JSON; whether it verifies is for `verifyReceipt`. */
export interface KeptReceipt {
  /** Of which rotation it says that it is. */
  readonly rotation: string
  /** For messages. */
  readonly name: string
  readonly text: string
}

/** Every receipt of a state: those in its database, and in a folder the files, too; most are in both. */
export async function readReceipts({ db, kind, folder }: State): Promise<KeptReceipt[]> {
  const rows = await db.selectFrom('receipt').selectAll().orderBy('rotation').execute()
  return [...rows.map(({ rotation, body }) => ({ rotation, name: `of ${rotation}`, text: body })), ...(kind === 'sqlite' ? readReceiptFiles(folder) : [])]
}

/** The receipt of one rotation; of one that an older keyturn wrote there is only the file. Undefined when there is none. */
export async function readReceipt({ db, kind, folder }: State, rotation: string): Promise<string | undefined> {
  const row = await db.selectFrom('receipt').select('body').where('rotation', '=', rotation).executeTakeFirst()
  const file = receiptFile(folder, rotation)
  return row?.body ?? (kind === 'sqlite' && existsSync(file) ? readFileSync(file, 'utf8') : undefined)
}

/** Those that lie as files in a folder; none when there are none. */
export function readReceiptFiles(folder: string): KeptReceipt[] {
  const receipts = join(folder, 'receipts')
  if (!existsSync(receipts)) return []
  return readdirSync(receipts).filter((name) => name.endsWith('.json')).map((name) => ({ rotation: name.slice(0, -'.json'.length), name, text: readIfThere(join(receipts, name)) }))
}

/** What cannot be read is a receipt that does not verify. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    if (reduceCause(thrown).code === undefined) throw thrown
    return ''
  }
}
