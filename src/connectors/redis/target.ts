import { KeyturnError, Secret } from '../../kit/index.ts'

/** Where and as whom to log in. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: Secret
  /** Whether the server's certificate is asked for, and checked. */
  readonly tls: boolean
  /** The authorities that may have signed it, as PEM; the public ones when absent. */
  readonly ca?: string
}

/**
 * Reads the URL of the admin: `redis[s]://[user]:password@host[:port]`, https://www.iana.org/assignments/uri-schemes/prov/redis.
 * A user that is not there is `default`, a port 6379; a database counts for nothing. Throws REFERENCE_UNRESOLVED, without quoting it,
 * when it is none.
 */
export function readUrl(secret: Secret): Target {
  const url = URL.parse(secret.reveal())
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '') throw unfit('issuer.admin does not give a redis:// or rediss:// URL')
  const password = decode(url.password)
  if (password === '') throw unfit('issuer.admin gives a URL without a password')
  return {
    host: decode(url.hostname).replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 6379 : Number(url.port),
    user: url.username === '' ? 'default' : decode(url.username),
    password: new Secret(password),
    tls: url.protocol === 'rediss:',
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw unfit('issuer.admin gives a URL with a broken percent-encoding')
  }
}

function unfit(about: string): KeyturnError {
  return new KeyturnError('REFERENCE_UNRESOLVED', about)
}
