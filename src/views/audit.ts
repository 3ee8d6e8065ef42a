import type { Audit } from '../proof/audit.ts'
import { keyName, type Receipt } from '../proof/receipt.ts'
import type { Paint } from './paint.ts'

/** What an audit found. */
export function auditLines(audit: Audit, paint: Paint): string[] {
  const counts = `${audit.rotations} rotations, ${audit.entries} entries, ${audit.receipts} receipts${audit.notes === 0 ? '' : `, ${audit.notes} notes`}; ${audit.anchored} anchored outside the database`
  if (audit.problems.length === 0 && audit.rotations === 0 && audit.notes === 0) return ['Nothing to verify yet: there was no rotation here.']
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
    ...(receipt.ended === undefined ? [] : [`  ended  ${receipt.ended.id} ${receipt.ended.fingerprint}`]),
    ...(receipt.left === undefined ? [] : [`  left   ${receipt.left.id} ${receipt.left.fingerprint} (the provider ends it in its own time)`]),
    ...rejected.map(([name, verdict]) => `  ${name}: ${String(verdict)}`),
  ]
}

