import { readFile } from 'node:fs/promises'
import type { SslOptions } from 'mysql2'
import { type Call, type Host, KeyturnError, Secret } from '../../kit/index.ts'

/** Where and as whom to log in. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: Secret
  /** Undefined: without TLS. */
  readonly tls: SslOptions | undefined
}

/** Where the admin logs in: resolved at every use, because the reference may give another password tomorrow. */
export async function findAdmin(reference: string, host: Host, call: Call): Promise<Target> {
  const target = await readUrl(await host.resolve(reference, call))
  if (target.user === '') throw unfit('issuer.admin gives a URL without a user')
  host.conceal(target.password)
  return target
}

/**
 * Reads a mysql:// or mariadb:// URL. Of its parameters `ssl-mode` (DISABLED, the default; REQUIRED, VERIFY_CA, VERIFY_IDENTITY) and
 * `ssl-ca` count, with the meaning that the client programs of MySQL give them; nothing comes from the environment:
 * https://dev.mysql.com/doc/refman/8.4/en/connecting-using-uri-or-key-value-pairs.html
 * Throws REFERENCE_UNRESOLVED, without quoting it, when it is none.
 */
export async function readUrl(secret: Secret): Promise<Target> {
  const url = URL.parse(secret.reveal())
  if (url === null || !/^(mysql|mariadb):$/.test(url.protocol)) throw unfit('issuer.admin does not give a mysql:// URL')
  const decode = (part: string): string => {
    try {
      return decodeURIComponent(part)
    } catch {
      throw unfit('issuer.admin gives a URL with a broken percent-encoding')
    }
  }
  return {
    host: url.hostname === '' ? '127.0.0.1' : decode(url.hostname).replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 3306 : Number(url.port),
    user: decode(url.username),
    password: new Secret(decode(url.password)),
    tls: await readTls(url.searchParams),
  }
}

async function readTls(parameters: URLSearchParams): Promise<SslOptions | undefined> {
  const mode = (parameters.get('ssl-mode') ?? 'DISABLED').toUpperCase().replaceAll('-', '_')
  if (mode === 'DISABLED') return undefined
  if (mode === 'REQUIRED') return { rejectUnauthorized: false }
  if (mode !== 'VERIFY_CA' && mode !== 'VERIFY_IDENTITY') throw unfit('ssl-mode must be DISABLED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY')
  const path = parameters.get('ssl-ca')
  const ca = path === null ? undefined : await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new KeyturnError('REFERENCE_UNRESOLVED', 'the file of ssl-ca in issuer.admin cannot be read', { cause })
  })
  return { rejectUnauthorized: true, verifyIdentity: mode === 'VERIFY_IDENTITY', ...(ca === undefined ? {} : { ca }) }
}

function unfit(about: string): KeyturnError {
  return new KeyturnError('REFERENCE_UNRESOLVED', about)
}
