import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SignedReceipt } from './receipt.ts'

/** Where the receipt of a rotation lies: beside the database, so that it outlives it. */
export function receiptFile(folder: string, rotation: string): string {
  return join(folder, 'receipts', `${rotation}.json`)
}

/** Writes it, durably and whole; writing it again does no harm. */
export function saveReceipt(folder: string, rotation: string, signed: SignedReceipt): void {
  const file = receiptFile(folder, rotation)
  mkdirSync(join(folder, 'receipts'), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.tmp`, `${JSON.stringify(signed, null, 2)}\n`, { mode: 0o600, flush: true })
  renameSync(`${file}.tmp`, file)
}
