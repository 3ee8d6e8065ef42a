import { KeyturnError, Secret, type Fields } from '../kit/index.ts'
import type { Binding } from './model.ts'
import { fieldsOf, parseTemplate, type Part } from './template.ts'

const scheme = /^[a-z][a-z0-9+.-]*:\/\//i
/** Start, authority, rest. */
export const urlShape = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)(.*)$/is

/** The names of the fields that a binding carries. Pure. */
export function fieldsOfBinding(binding: Binding): readonly string[] {
  if ('template' in binding) return fieldsOf(binding.template)
  return binding.url.user === undefined ? [binding.url.password] : [binding.url.user, binding.url.password]
}

/**
 * The value that a store holds for these fields. Inside a URL (a template that starts with `x://`, or a `url` binding) they are
 * percent-encoded, and everything else stays byte for byte; a `url` binding needs the current value. Pure, may be repeated.
 * Throws STORE_UNFIT when the current value is no URL with a user or a password, VALUE_UNREADABLE when a reader could not take
 * the fields out again (an empty field, a separator inside of one), INTERNAL when a field is missing.
 */
export function renderBinding(binding: Binding, fields: Fields, current?: Secret): Secret {
  const rendered = new Secret(
    'template' in binding ? renderTemplate(compile(binding), fields) : renderUrl(binding.url, fields, current),
  )
  const again = readBinding(binding, rendered, Object.keys(fields))
  const fits = again !== undefined && Object.entries(again).every(([name, value]) => value.equals(fields[name]))
  if (!fits) throw new KeyturnError('VALUE_UNREADABLE', 'the binding cannot be taken apart again with these fields')
  return rendered
}

/**
 * The inverse: the fields that a stored value holds, those that the binding names. Undefined when the value does not fit the
 * binding: other text around the fields, an empty field, a broken percent-encoding, a name that is not in `fieldNames`. Pure.
 */
export function readBinding(binding: Binding, value: Secret, fieldNames: readonly string[]): Fields | undefined {
  const found = 'template' in binding ? readTemplate(compile(binding), value.reveal()) : readUrl(binding.url, value.reveal())
  if (found === undefined || found.size === 0) return undefined
  for (const [name, text] of found) if (text === '' || !fieldNames.includes(name)) return undefined
  return Object.fromEntries([...found].map(([name, text]) => [name, new Secret(text)]))
}

function renderTemplate({ parts, inUrl }: Compiled, fields: Fields): string {
  return parts.map((part) => ('text' in part ? part.text : inUrl ? encode(valueOf(fields, part.field)) : valueOf(fields, part.field))).join('')
}

function readTemplate({ parts, pattern, inUrl }: Compiled, value: string): Map<string, string> | undefined {
  const match = pattern.exec(value)
  if (match === null) return undefined
  const found = new Map<string, string>()
  const names = parts.flatMap((part) => ('field' in part ? [part.field] : []))
  for (const [index, name] of names.entries()) {
    const text = inUrl ? decode(match[index + 1] ?? '') : match[index + 1]
    if (text === undefined || (found.has(name) && found.get(name) !== text)) return undefined
    found.set(name, text)
  }
  return found
}

function renderUrl(names: { readonly user?: string; readonly password: string }, fields: Fields, current?: Secret): string {
  const match = urlShape.exec(current?.reveal() ?? '')
  const [, start = '', authority = '', rest = ''] = match ?? []
  const at = authority.lastIndexOf('@')
  // Without an @ where it belongs, a raw slash may stand in the password: nothing is put in on a guess.
  if (at < 0)
    throw new KeyturnError('STORE_UNFIT', 'the binding replaces user and password of a URL, and there is no URL that has them')
  const userThere = authority.slice(0, at).replace(/:.*$/s, '')
  const user = names.user === undefined ? userThere : encode(valueOf(fields, names.user))
  return `${start}${user}:${encode(valueOf(fields, names.password))}@${authority.slice(at + 1)}${rest}`
}

function readUrl(names: { readonly user?: string; readonly password: string }, value: string): Map<string, string> | undefined {
  const authority = urlShape.exec(value)?.[2] ?? ''
  const userinfo = authority.slice(0, Math.max(0, authority.lastIndexOf('@')))
  const colon = userinfo.indexOf(':')
  if (colon < 0) return undefined
  const user = decode(userinfo.slice(0, colon))
  const password = decode(userinfo.slice(colon + 1))
  if (user === undefined || password === undefined) return undefined
  return new Map(
    names.user === undefined
      ? [[names.password, password]]
      : [
          [names.user, user],
          [names.password, password],
        ],
  )
}

/** A template, ready to render and to read with. */
interface Compiled {
  readonly parts: readonly Part[]
  readonly pattern: RegExp
  readonly inUrl: boolean
}

/** A binding never changes, and is rendered and read many times in a rotation. */
const compiled = new WeakMap<Binding, Compiled>()

function compile(binding: Binding & { readonly template: string }): Compiled {
  const known = compiled.get(binding)
  if (known !== undefined) return known
  const parsed = parseTemplate(binding.template)
  if ('fault' in parsed) throw new KeyturnError('INTERNAL', 'a template that was not validated')
  const inUrl = isUrl(binding.template)
  const made = { parts: parsed.parts, pattern: patternOf(parsed.parts, inUrl, '$'), inUrl }
  compiled.set(binding, made)
  return made
}

/** Whether the fields in this template are percent-encoded. Pure. */
export function isUrl(template: string): boolean {
  return scheme.test(template)
}

/** What a value begins with that was rendered from these parts, a group for each field; all of it with `$` as the end. */
export function patternOf(parts: readonly Part[], inUrl: boolean, end: '' | '$'): RegExp {
  const patterns = parts.map((part) => ('text' in part ? escapeForPattern(part.text) : inUrl ? '([^/?#\\s]*?)' : '(.*?)'))
  return new RegExp(`^${patterns.join('')}${end}`, 's')
}

function valueOf(fields: Fields, name: string): string {
  const value = fields[name]
  if (value === undefined) throw new KeyturnError('INTERNAL', `the credential has no field ${name}`)
  return value.reveal()
}

/** All but the unreserved characters of RFC 3986, so that every reader of a URL agrees, and a shell finds nothing special. */
function encode(text: string): string {
  if (!text.isWellFormed()) throw new KeyturnError('VALUE_UNREADABLE', 'the value is no valid Unicode text')
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

function escapeForPattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
}

/** Undefined when the percent-encoding is broken. */
export function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
