import type { Kysely, Selectable } from 'kysely'
import type { Tables } from './schema.ts'

/** One credential of a secret, as the journals made it. */
export type LedgerRow = Selectable<Tables['credential']>

/** The name of a secret in the ledger, over all manifests that share a state. */
export function secretKey(system: string, environment: string, secret: string): string {
  return `${system}/${environment}/${secret}`
}

/** The ledger of a secret, newest first. Empty for one that keyturn has never rotated. */
export async function readLedger(db: Kysely<Tables>, key: string): Promise<LedgerRow[]> {
  return db.selectFrom('credential').selectAll().where('secret_key', '=', key).orderBy('at', 'desc').orderBy('id', 'desc').execute()
}

/** Whether the ledger has seen this credential and does not know it as gone. */
export function ledgerKnows(ledger: readonly LedgerRow[], credential: { readonly id: string; readonly fingerprint: string }): boolean {
  return ledger.some((row) => row.provider_id === credential.id && row.fingerprint === credential.fingerprint && row.state !== 'gone')
}

/** A sealed credential of a rotation, or its snapshot; undefined when it holds none. */
export async function readSealed(
  db: Kysely<Tables>,
  rotation: string,
  name: string,
): Promise<{ readonly ciphertext: Uint8Array; readonly mac: string } | undefined> {
  return db.selectFrom('sealed').select(['ciphertext', 'mac']).where('rotation', '=', rotation).where('name', '=', name).executeTakeFirst()
}
