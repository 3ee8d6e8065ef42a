import { providerNamed } from './providers.ts'
import { serverNamed, serverOf } from './servers.ts'
import type { Shape } from './trace.ts'

/** What a key is, from its name and from the form of its value. */
export type Kind =
  | { readonly is: 'no-secret' }
  /** A server accepts it; `server` is absent when it is not known which. */
  | { readonly is: 'login'; readonly server?: string }
  /** Its own consumers are the only ones who check it. `feel` is what users notice when it changes. */
  | { readonly is: 'self-made'; readonly feel?: string }
  /** A third party makes it. */
  | { readonly is: 'provider'; readonly provider: string }
  /** Stored data is encrypted or hashed with it: another value makes that data useless. */
  | { readonly is: 'stored-data' }
  /** Half of a pair: others hold the public half. */
  | { readonly is: 'key-pair' }
  /** A secret by its name; who makes it is not known. */
  | { readonly is: 'unknown' }
  /** Looks as if it were made at random, under a name that does not say secret. */
  | { readonly is: 'perhaps' }

/** A name in capitals that is one of these, or ends in one behind a `_`. */
function ending(...words: readonly string[]): RegExp {
  return new RegExp(`(?:^|_)(?:${words.join('|')})$`)
}

/** Browsers get these, so that they are no secrets whatever they are called. */
const shipped = /^(?:NEXT_PUBLIC|NUXT_PUBLIC|EXPO_PUBLIC|REACT_APP|VITE|GATSBY|PUBLIC)_/

const secretWords = [
  'PASSWORDS?', 'PASSWD', 'PASSPHRASE', 'PASS', 'PGPASSWORD', 'SECRETS?', 'TOKENS?', 'CREDENTIALS?', 'APIKEY', 'KEYS?', 'SALT', 'PEPPER', 'SECRET_KEY_BASE', 'WEBHOOK_URL',
].join('|')
/** Which of several: `API_KEY_LIVE`, `SIGNING_SECRET_2`. */
const which = 'PROD|PRODUCTION|LIVE|STAGING|DEV|TEST|OLD|NEW|CURRENT|PREVIOUS|PREV|NEXT|PRIMARY|SECONDARY|\\d+'
const secretName = new RegExp(`(?:^|_)(?:${secretWords})(?:_(?:${which}))?$|_PWD$`)

/** Keys of maps, caches and databases are no secrets, a public key is none either, and tokens are counted. */
const plainKey = ending('(?:MAX|MIN|NUM|TOTAL|INPUT|OUTPUT|CONTEXT|PROMPT|COMPLETION)_TOKENS', '(?:PUBLIC|PUBLISHABLE|PRIMARY|FOREIGN|SORT|PARTITION|CACHE|IDEMPOTENCY|ROUTING|FEATURE|HOT|REGISTRY)_KEYS?', 'PUBLIC_.*')

const protects = 'ENCRYPTION|ENCRYPT|ENCRYPTED|CRYPT|CIPHER|AES|FERNET|KMS|DATA|MASTER|VAULT|STORAGE|BACKUP|FIELD'
const storedData = ending(`(?:${protects})_(?:[A-Z]+_)?(?:KEYS?|SECRET|PASSWORD|PASSPHRASE)`, 'SALT', 'PEPPER', 'APP_KEY')

const session = ending('(?:SESSIONS?|COOKIES?)_(?:SIGNING_|SIGN_|SECRET_)?(?:SECRETS?|KEYS?)', 'SECRET_KEY_BASE', 'NEXTAUTH_SECRET', 'BETTER_AUTH_SECRET')
/** Plain enough to be somebody else's with a word before it. */
const sessionExactly = /^(?:AUTH_SECRET|(?:DJANGO_|FLASK_|APP_)?SECRET_KEY)$/
const jwt = ending('JWT_(?:(?:ACCESS|REFRESH|SIGNING|SIGN|AUTH|HMAC|TOKEN|API)_)*(?:SECRET|SECRET_KEY|KEY)', '(?:ACCESS|REFRESH)_TOKEN_(?:SECRET|KEY)')
const internal = ending('(?:CSRF|XSRF)_(?:SECRET|KEY|TOKEN_SECRET)', 'INTERNAL_(?:[A-Z]+_)*(?:TOKEN|SECRET|KEY)')
const password = ending('PASSWORD', 'PASSWD', 'PASS', 'PWD', 'PGPASSWORD')

/** Names with one of these words may well have long random text that is no secret. */
const FINGERPRINTS = new Set([
  'SHA', 'SHA1', 'SHA256', 'SHA512', 'COMMIT', 'REV', 'REVISION', 'DIGEST', 'HASH', 'CHECKSUM', 'RELEASE', 'VERSION', 'BUILD', 'ETAG', 'ID', 'UUID', 'GUID',
  'FINGERPRINT', 'TRACE', 'TAG', 'IMAGE', 'DSN', 'URL', 'URI', 'PATH', 'HOST', 'CERT', 'CERTIFICATE', 'PUBLIC',
])

/** The words of a name in capitals: `dbPassword`, `db-password` and `DB_PASSWORD` have the same. */
function wordsOf(key: string): readonly string[] {
  return key.replaceAll(/([a-z]\d*)([A-Z])/g, '$1_$2').toUpperCase().split(/[^A-Z0-9]+/).filter((word) => word !== '')
}

/**
 * What a key is. `shape` is absent when there is no value to look at. Certain forms count under any name; otherwise the name has
 * to say that it is a secret. Pure.
 */
export function classify(key: string, shape?: Shape): Kind {
  const words = wordsOf(key)
  const name = words.join('_')
  if (shape?.is === 'login') {
    const server = serverOf(shape.scheme)
    return { is: 'login', ...(server === undefined ? {} : { server }) }
  }
  if (shape?.is === 'private-key') return { is: 'key-pair' }
  const provider = (shape?.is === 'token' ? shape.provider : undefined) ?? providerNamed(words)
  const secret = isSecretName(name)
  if (provider !== undefined && (secret || shape?.is === 'token')) return { is: 'provider', provider }
  if (shape?.is === 'token' || shape?.is === 'jwt') return { is: 'unknown' }
  if (!secret) return isRandom(shape) && !words.some((word) => FINGERPRINTS.has(word)) && !shipped.test(name) ? { is: 'perhaps' } : { is: 'no-secret' }
  if (shape?.is === 'number' && !password.test(name)) return { is: 'no-secret' }
  if (storedData.test(name)) return { is: 'stored-data' }
  if (jwt.test(name)) return { is: 'self-made', feel: 'tokens that were signed with the old value are refused' }
  if (session.test(name) || sessionExactly.test(name)) return { is: 'self-made', feel: 'sessions that were signed with the old value end: everyone signs in again' }
  if (internal.test(name)) return { is: 'self-made' }
  if (password.test(name)) {
    const server = serverNamed(words)
    return { is: 'login', ...(server === undefined ? {} : { server }) }
  }
  return name.endsWith('PRIVATE_KEY') ? { is: 'key-pair' } : { is: 'unknown' }
}

function isSecretName(name: string): boolean {
  return secretName.test(name) && !shipped.test(name) && !plainKey.test(name)
}

function isRandom(shape: Shape | undefined): boolean {
  return shape !== undefined && 'length' in shape && shape.length >= 32
}
