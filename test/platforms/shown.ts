import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Report } from '../../demo/tally.ts'
import type { Receipt, SignedReceipt } from '../../src/proof/receipt.ts'

/** What one rotation of a platform showed. */
export interface Shown {
  readonly secret: string
  readonly receipt: Receipt
  /** What the load saw from before it until after it. */
  readonly report: Report
}

/** The receipt of a secret, from the state in this folder. Throws when there is none. */
export function receiptOf(folder: string, secret: string): Receipt {
  const receipts = join(folder, '.keyturn', 'receipts')
  const all = readdirSync(receipts).map((name) => (JSON.parse(readFileSync(join(receipts, name), 'utf8')) as SignedReceipt).receipt)
  const found = all.find((receipt) => receipt.secret === secret)
  if (found === undefined) throw new Error(`there is no receipt of ${secret}`)
  return found
}

/** Nobody has felt it, and the old one is dead. */
export function expectUnfelt({ receipt, report }: Shown): void {
  expect(report).toMatchObject({ failed: 0, reasons: {} })
  expect(report.requests).toBeGreaterThan(60)
  expect(receipt).toMatchObject({ result: 'done', gapMs: 0, proof: { new: 'accepted', old: 'rejected' } })
}

/** All of them, with what the load felt and every proof. */
export function tableOf(title: string, shown: readonly Shown[]): readonly string[] {
  return [`${title}:`, ...shown.flatMap(({ secret, receipt, report }) => [
    `  ${secret.padEnd(16)} ${report.failed} of ${report.requests} requests failed${receipt.gapMs === 0 ? '' : `, gap ${receipt.gapMs} ms by the receipt, ${Math.round((report.failedUntil ?? 0) - (report.failedFrom ?? 0))} ms as felt`}`,
    `  ${''.padEnd(16)} ${Object.entries(receipt.proof).filter(([what]) => what !== 'from' && what !== 'to').map(([what, verdict]) => `${what}: ${verdict}`).join(', ') || `attested: ${Object.values(receipt.attested).flatMap((each) => Object.entries(each)).map(([instance, by]) => `${instance} by ${by}`).join(', ')}`}`,
  ])]
}
