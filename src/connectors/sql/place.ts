import { KeyturnError } from '../../kit/error.ts'
import { type PostgresLogin, readPostgresUrl, type UrlFault } from '../../outside/postgres-url.ts'
import { type Fields, Secret } from '../../kit/secret.ts'

const FIELD = /\{([A-Za-z_][\w-]*)\}/g

/** Where and as whom to log in. */
export type Place = PostgresLogin

const FAULTS: Readonly<Record<UrlFault, string>> = {
  none: 'no postgres:// URL with a user',
  encoding: 'a broken percent-encoding',
  sslmode: 'an sslmode other than disable, require, verify-ca and verify-full',
  file: 'a certificate file that cannot be read',
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

/** Reads the URL of a check: see {@link readPostgresUrl}. Throws REFERENCE_UNRESOLVED, without quoting it, when it is none. */
export async function readPlace(secret: Secret): Promise<Place> {
  const place = await readPostgresUrl(secret, unfit)
  if (place.user === '') throw unfit('none')
  return place
}

function unfit(fault: UrlFault): KeyturnError {
  return new KeyturnError('REFERENCE_UNRESOLVED', `the URL of the sql check has ${FAULTS[fault]}`)
}
