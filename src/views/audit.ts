import type { Audit } from '../engine/audit.ts'
import { keyName, type Receipt } from '../engine/receipt.ts'
import type { Paint } from './paint.ts'

/** What an audit found. */
export function auditLines(audit: Audit, paint: Paint): string[] {
  const counts = `${audit.rotations} rotations, ${audit.entries} entries, ${audit.receipts} receipts; ${audit.anchored} anchored outside the database`
  if (audit.problems.length === 0) return [paint.good(`Verified: ${counts}.`)]
  return [paint.bad(`${audit.problems.length} problems in ${counts}:`), ...audit.problems.map((problem) => `  ${problem}`)]
}

/** What a receipt says, once it verifies. */
export function receiptLines(receipt: Receipt, signer: { readonly key: string; readonly trusted: boolean }, paint: Paint): string[] {
  const rejected = Object.entries(receipt.proof).filter(([name]) => name.includes(' at '))
  return [
    paint.good(`The receipt verifies: signed by key ${keyName(signer.key)}${signer.trusted ? '' : ' (its own; name yours with --key)'}.`),
    `  ${receipt.secret} of ${receipt.system} (${receipt.environment}): ${receipt.result} at ${receipt.closed} by ${receipt.by}`,
    `  in use ${receipt.inUse.id} ${receipt.inUse.fingerprint}`,
    `  ended  ${receipt.ended.id} ${receipt.ended.fingerprint}`,
    ...rejected.map(([name, verdict]) => `  ${name}: ${String(verdict)}`),
  ]
}

