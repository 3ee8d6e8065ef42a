import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import { KeyturnError, Secret } from '../../kit/index.ts'

/** Where and as whom to log in. */
export interface Target {
  /** Host name, address, or the folder of a Unix socket (starts with a slash). */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: Secret
  readonly tls: ConnectionOptions | false
}

/**
 * Reads a postgres:// URL. Of its parameters `sslmode`, `sslrootcert`, `sslcert`, `sslkey` and `host` (a socket) count, with
 * libpq's meaning, save that an absent sslmode is `disable`:
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS.
 * Throws REFERENCE_UNRESOLVED, without quoting it, when it is none.
 */
export async function readUrl(secret: Secret): Promise<Target> {
  const url = URL.parse(secret.reveal())
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new KeyturnError('REFERENCE_UNRESOLVED', 'issuer.admin does not give a postgres:// URL')
  }
  const user = decode(url.username)
  return {
    host: url.searchParams.get('host') ?? (url.hostname === '' ? '127.0.0.1' : decode(url.hostname).replace(/^\[(.*)\]$/, '$1')),
    port: url.port === '' ? 5432 : Number(url.port),
    user,
    password: new Secret(decode(url.password)),
    database: url.pathname.length > 1 ? decode(url.pathname.slice(1)) : user,
    tls: await readTls(url.searchParams),
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new KeyturnError('REFERENCE_UNRESOLVED', 'issuer.admin gives a URL with a broken percent-encoding')
  }
}

async function readTls(parameters: URLSearchParams): Promise<ConnectionOptions | false> {
  const mode = parameters.get('sslmode') ?? 'disable'
  if (mode === 'disable') return false
  const [ca, cert, key] = await Promise.all(['sslrootcert', 'sslcert', 'sslkey'].map((name) => readPem(parameters.get(name))))
  const client = cert === undefined || key === undefined ? {} : { cert, key }
  const files = { ...client, ...(ca === undefined ? {} : { ca }) }
  if (mode === 'verify-full') return files
  if (mode === 'verify-ca' || (mode === 'require' && ca !== undefined)) return { ...files, checkServerIdentity: () => undefined }
  if (mode === 'require' || mode === 'no-verify') return { ...files, rejectUnauthorized: false }
  throw new KeyturnError('REFERENCE_UNRESOLVED', 'sslmode must be disable, require, verify-ca or verify-full')
}

async function readPem(path: string | null): Promise<Buffer | undefined> {
  if (path === null || path === 'system') return undefined
  try {
    return await readFile(path)
  } catch (cause) {
    throw new KeyturnError('REFERENCE_UNRESOLVED', 'a certificate file that issuer.admin names cannot be read', { cause })
  }
}
