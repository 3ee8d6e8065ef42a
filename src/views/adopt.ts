import type { Adopted } from '../operations/adopt.ts'
import type { Paint } from './paint.ts'

/** What was adopted, and who accepts it. */
export function adoptLines({ secret, credential, fingerprint, adopted, note, evidence }: Adopted, paint: Paint): string[] {
  const head = adopted ? paint.good(`Adopted: ${credential} ${fingerprint} is the current value of ${secret} (note ${note ?? ''}).`) : `The ledger of ${secret} has ${credential} ${fingerprint} already; nothing was written.`
  const unproven = evidence['proof'] === 'none' ? [paint.warn('  no server and no consumer could be asked whether it works')] : []
  return [head, ...Object.entries(evidence).filter(([name]) => name !== 'proof').map(([name, verdict]) => `  ${name}: ${String(verdict)}`), ...unproven]
}
