import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import { KeyturnError } from '../../kit/error.ts'
import { type Fields, Secret } from '../../kit/secret.ts'

const FIELD = /\{([A-Za-z_][\w-]*)\}/g

/** Where and as whom to log in. */
export interface Place {
  /** Host name, address, or the folder of a Unix socket (starts with a slash). */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: Secret
  readonly tls: ConnectionOptions | false
}

/** Whether a text is a postgres:// URL whose password comes from a field and which holds no reference. */
export function isLogin(text: string): boolean {
  const url = text.includes('${') ? null : URL.parse(text.replaceAll(FIELD, '__field__'))
  return url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.username !== '' && url.password === '__field__'
}

/** The URL with the fields of a credential in it. Undefined when the credential lacks one, or has an empty one. */
export function fillLogin(template: string, fields: Fields): Secret | undefined {
  let missing = false
  const filled = template.replaceAll(FIELD, (_, name: string) => {
    const text = fields[name]?.reveal() ?? ''
    missing ||= text === '' || !text.isWellFormed()
    return missing ? '' : encodeURIComponent(text)
  })
  return missing ? undefined : new Secret(filled)
}

/**
 * Reads a postgres:// URL. Of its parameters `sslmode`, `sslrootcert`, `sslcert`, `sslkey` and `host` (a socket) count, with
 * libpq's meaning, save that an absent sslmode is `disable`; nothing comes from the environment:
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 * Throws REFERENCE_UNRESOLVED, without quoting it, when it is none.
 */
export async function readPlace(secret: Secret): Promise<Place> {
  const url = URL.parse(secret.reveal())
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || url.username === '') throw unfit('no postgres:// URL with a user')
  const user = decode(url.username)
  return {
    host: url.searchParams.get('host') ?? (url.hostname === '' ? '127.0.0.1' : decode(url.hostname).replace(/^\[(.*)\]$/, '$1')),
    port: url.port === '' ? 5432 : Number(url.port),
    database: url.pathname.length > 1 ? decode(url.pathname.slice(1)) : user,
    user,
    password: new Secret(decode(url.password)),
    tls: await readTls(url.searchParams),
  }
}

async function readTls(parameters: URLSearchParams): Promise<ConnectionOptions | false> {
  const mode = parameters.get('sslmode') ?? 'disable'
  if (mode === 'disable') return false
  const files: ConnectionOptions = {}
  for (const [option, name] of [['ca', 'sslrootcert'], ['cert', 'sslcert'], ['key', 'sslkey']] as const) {
    const path = parameters.get(name)
    if (path !== null && path !== 'system') files[option] = await readPem(path)
  }
  if (mode === 'verify-full') return files
  if (mode === 'verify-ca' || (mode === 'require' && files.ca !== undefined)) return { ...files, checkServerIdentity: () => undefined }
  if (mode === 'require' || mode === 'no-verify') return { ...files, rejectUnauthorized: false }
  throw unfit('an sslmode other than disable, require, verify-ca and verify-full')
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch {
    throw unfit('a certificate file that cannot be read')
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw unfit('a broken percent-encoding')
  }
}

function unfit(what: string): KeyturnError {
  return new KeyturnError('REFERENCE_UNRESOLVED', `the URL of the sql check has ${what}`)
}
