import { KeyturnError, type Secret } from '../../kit/index.ts'
import { type PostgresLogin, readPostgresUrl, type UrlFault } from '../../outside/postgres-url.ts'

/** Where and as whom to log in. */
export type Target = PostgresLogin

const FAULTS: Readonly<Record<UrlFault, string>> = {
  none: 'issuer.admin does not give a postgres:// URL',
  encoding: 'issuer.admin gives a URL with a broken percent-encoding',
  sslmode: 'sslmode must be disable, require, verify-ca or verify-full',
  file: 'a certificate file that issuer.admin names cannot be read',
}

/** Reads the URL of the admin: see {@link readPostgresUrl}. Throws REFERENCE_UNRESOLVED, without quoting it, when it is none. */
export function readUrl(secret: Secret): Promise<Target> {
  return readPostgresUrl(secret, (fault, cause) => new KeyturnError('REFERENCE_UNRESOLVED', FAULTS[fault], { cause }))
}
