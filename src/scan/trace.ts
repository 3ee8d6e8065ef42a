import { createHmac } from 'node:crypto'
import { readBinding } from '../manifest/binding.ts'
import { literalSecret } from '../yaml/literal.ts'
import { Secret } from '../kit/index.ts'
import { providerOfToken } from './providers.ts'
import { serverOf } from './servers.ts'

/** Stands for a value: the same number for the same value within one scan, and no way back. */
export interface Mark {
  readonly id: number
  /** So short or plain that two places may hold it by chance. */
  readonly weak: boolean
}

/** What form a value has. `number` is a switch, too; `plain` is a word, `text` everything else. */
export type Shape =
  | { readonly is: 'empty' | 'placeholder' | 'private-key' | 'jwt' | 'uuid' | 'number' | 'plain' | 'text' }
  /** Made from other variables when it is read. */
  | { readonly is: 'reference' }
  /** The form of a provider's token, and whose if that is certain. */
  | { readonly is: 'token'; readonly provider?: string }
  | { readonly is: 'hex' | 'base64' | 'base64url' | 'alnum'; readonly length: number }
  /** A URL with a password. `user` only if it is a plain name; `server` stands for its address, `account` for that and the user. */
  | {
      readonly is: 'login'
      readonly scheme: string
      readonly user?: string
      readonly hasUser: boolean
      readonly password: Mark
      readonly server: number
      readonly account: number
    }
  /** The name of a user, under a key that says so. */
  | { readonly is: 'user'; readonly name: string }

/** All that a scan keeps of a value. */
export interface Trace {
  readonly shape: Shape
  readonly mark: Mark
}

/** Looks at a value under its key and lets go of it. */
export type Tracer = (key: string, value: string) => Trace

/** A tracer of one scan. `chance` is at least 16 random bytes: without them nobody can tell what a number stands for. */
export function createTracer(chance: Uint8Array): Tracer {
  const ids = new Map<string, number>()
  const idOf = (value: string): number => {
    const digest = createHmac('sha256', chance).update(value).digest('base64')
    const id = ids.get(digest) ?? ids.size + 1
    ids.set(digest, id)
    return id
  }
  const mark = (value: string): Mark => ({ id: idOf(value), weak: isWeak(value) })
  return (key, value) => ({ shape: shapeOf(key, value, mark), mark: mark(value) })
}

function isWeak(value: string): boolean {
  return value.length < 12 || /^[A-Za-z]+[\d!]{0,4}$/.test(value)
}

const placeholder = new RegExp(
  `^(?:${[
    '<.*>', String.raw`\[.*\]`, 'x{3,}', String.raw`\*{3,}`, String.raw`\.{3,}`,
    'change[-_ ]?(?:me|it|this).*', 'replace[-_ ]?(?:me|with|this).*',
    // `your-api-key-here`
    String.raw`(?:your|my|some|an?)[-_ ](?:\w+?[-_ ])*(?:api)?(?:key|token|secret|password|value|url|id|here)(?:[-_ ]here)?`,
    String.raw`(?:todo|fixme|tbd|example|placeholder|dummy|redacted|insert)\b.*`,
    'none', 'null', 'undefined', 'nil',
  ].join('|')})$`,
  'i',
)
const reference = /\$\{[A-Za-z_][^}]*\}|^\$[A-Za-z_]\w*$|\{\{.*\}\}|^\$\(.*\)$|:\/\/[^\s/?#]*\$[A-Za-z_]\w*@/
const url = /^([a-z][a-z0-9+.-]*):\/\/[^/?#]*@([^/?#]*)/i
/** Keys under which a name stands that is no secret; and what a name is written like, as servers fold it. */
const userKey = /(?:^|[_.-]|PG)USER(?:NAME)?$/i
const identifier = /^[a-z_][a-z0-9_-]{0,31}$/

function shapeOf(key: string, value: string, mark: (value: string) => Mark): Shape {
  if (value.trim() === '') return { is: 'empty' }
  if (reference.test(value)) return { is: 'reference' }
  if (placeholder.test(value.trim())) return { is: 'placeholder' }
  if (/^(?:[+-]?\d{1,12}(?:\.\d{1,6})?|true|false|yes|no|on|off)$/i.test(value)) return { is: 'number' }
  if (userKey.test(key) && isName(value)) return { is: 'user', name: value }
  const login = loginShape(value, mark)
  if (login !== undefined) return login
  if (/^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*$/.test(value)) return { is: 'jwt' }
  const provider = providerOfToken(value)
  if (provider !== undefined) return { is: 'token', provider }
  const kind = literalSecret(value)
  if (kind === 'a private key') return { is: 'private-key' }
  if (kind === 'a token') return { is: 'token' }
  if (kind !== undefined) return { is: 'text' }
  if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value)) return { is: 'uuid' }
  const random = randomShape(value)
  if (random !== undefined) return { is: random, length: value.length }
  return /^[\w.:/@-]+$/.test(value) && isWeak(value) ? { is: 'plain' } : { is: 'text' }
}

/** A name that people give, and nothing that could be a value. */
export function isName(text: string): boolean {
  return identifier.test(text) && randomShape(text) === undefined
}

/** The alphabet of a text that is long and mixed enough to be made at random; undefined for words, numbers and paths. */
function randomShape(value: string): 'hex' | 'base64' | 'base64url' | 'alnum' | undefined {
  if (/^(?:[0-9a-f]+|[0-9A-F]+)$/.test(value) && /\d/.test(value) && /[a-f]/i.test(value)) return value.length >= 32 ? 'hex' : value.length >= 16 ? 'alnum' : undefined
  const mixed = /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value)
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(value) && /[+/=]/.test(value) && value.length % 4 === 0 && value.length >= 24 && mixed) return 'base64'
  if (/^[\w-]+$/.test(value) && /[_-]/.test(value) && value.length >= 22 && mixed) return 'base64url'
  return /^[A-Za-z0-9]+$/.test(value) && value.length >= 16 && /\d/.test(value) && /[A-Za-z]/.test(value) ? 'alnum' : undefined
}

function loginShape(value: string, mark: (value: string) => Mark): Shape | undefined {
  const [, scheme = '', address = ''] = url.exec(value) ?? []
  if (scheme === '') return undefined
  const both = readBinding({ url: { user: 'user', password: 'password' } }, new Secret(value), ['user', 'password'])
  const { user, password } = both ?? readBinding({ url: { password: 'password' } }, new Secret(value), ['password']) ?? {}
  if (password === undefined) return undefined
  const text = password.reveal()
  if (placeholder.test(text)) return { is: 'placeholder' }
  const name = user?.reveal()
  const server = `${serverOf(scheme) ?? scheme} ${address}`
  const marks = { password: mark(text), server: mark(server).id, account: mark(`${server} ${name ?? ''}`).id }
  return { is: 'login', scheme: scheme.toLowerCase(), ...(name !== undefined && isName(name) ? { user: name } : {}), hasUser: name !== undefined, ...marks }
}
