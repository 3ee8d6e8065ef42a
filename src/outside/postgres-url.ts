import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import type { KeyturnError } from '../kit/error.ts'
import { Secret } from '../kit/secret.ts'

/** Where and as whom to log in at a PostgreSQL server, or at what speaks its protocol. */
export interface PostgresLogin {
  /** Host name, address, or the folder of a Unix socket (starts with a slash). */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: Secret
  readonly tls: ConnectionOptions | false
}

/** What is wrong with a URL: it is none, a part of it cannot be decoded, or what it asks of TLS is not known or not to be had. */
export type UrlFault = 'none' | 'encoding' | 'sslmode' | 'file'

/**
 * Reads a postgres:// URL. Of its parameters `sslmode`, `sslrootcert`, `sslcert`, `sslkey` and `host` (a socket) count, with
 * libpq's meaning, save that an absent sslmode is `disable`; nothing comes from the environment:
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 * Throws what `unfit` makes of a fault; it is not told the URL.
 */
export async function readPostgresUrl(secret: Secret, unfit: (fault: UrlFault, cause?: unknown) => KeyturnError): Promise<PostgresLogin> {
  const url = URL.parse(secret.reveal())
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) throw unfit('none')
  const decode = (part: string): string => {
    try {
      return decodeURIComponent(part)
    } catch {
      throw unfit('encoding')
    }
  }
  const user = decode(url.username)
  return {
    host: url.searchParams.get('host') ?? (url.hostname === '' ? '127.0.0.1' : decode(url.hostname).replace(/^\[(.*)\]$/, '$1')),
    port: url.port === '' ? 5432 : Number(url.port),
    user,
    password: new Secret(decode(url.password)),
    database: url.pathname.length > 1 ? decode(url.pathname.slice(1)) : user,
    tls: await readTls(url.searchParams, unfit),
  }
}

async function readTls(parameters: URLSearchParams, unfit: (fault: UrlFault, cause?: unknown) => KeyturnError): Promise<ConnectionOptions | false> {
  const mode = parameters.get('sslmode') ?? 'disable'
  if (mode === 'disable') return false
  const [ca, cert, key] = await Promise.all(['sslrootcert', 'sslcert', 'sslkey'].map(async (name) => {
    const path = parameters.get(name)
    return path === null || path === 'system' ? undefined : readFile(path).catch((cause: unknown) => {
      throw unfit('file', cause)
    })
  }))
  const client = cert === undefined || key === undefined ? {} : { cert, key }
  const files = { ...client, ...(ca === undefined ? {} : { ca }) }
  if (mode === 'verify-full') return files
  if (mode === 'verify-ca' || (mode === 'require' && ca !== undefined)) return { ...files, checkServerIdentity: () => undefined }
  if (mode === 'require' || mode === 'no-verify') return { ...files, rejectUnauthorized: false }
  throw unfit('sslmode')
}
