import { type Readings, UNICODE_SPACE } from './reading.ts'

const LINE_SPACE = String.raw`\t\v\f\r \u0085\u00a0`
const SPACE = new RegExp(`[${UNICODE_SPACE}]*`, 'y')
const BLANKS = new RegExp(`^[${LINE_SPACE}]+`)
const BLANKS_AT_END = new RegExp(`[${UNICODE_SPACE}]+$`)
const KEY_CHARACTER = new RegExp(String.raw`[\p{L}\p{N}_.\-\[\]${LINE_SPACE}]`, 'u')
/** A reference to a variable, a doubled dollar, or a brace that is no reference and an error. */
const REFERENCE = /\$(?:(\$)|([_a-z][_a-z0-9]*)|\{(?:([_a-z][_a-z0-9]*(?::?[-+?][^\n]*)?)\}|()))/giu
const ESCAPE = /\\(?:[abcfnrtv$"\\]|0\d{0,3})/g
const ESCAPED: Readonly<Record<string, string>> = {
  a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '"': '"', '\\': '\\', $: '$$',
}

/**
 * Reads an env file as docker compose does, for `.env` and for `env_file`. Undefined when compose refuses the file as a whole.
 * Facts: compose-spec/compose-go, packages dotenv (parser.go) and template (template.go), version 2.
 */
export function readCompose(text: string): Readings | undefined {
  const readings = new Map<string, string | null>()
  let rest = skipToStatement(text.replace(/^\ufeff/, ''))
  while (rest !== '') {
    const name = takeName(rest)
    if (name === undefined || name.key.includes(' ')) return undefined
    if (name.inherited) {
      // Taken from the surroundings when they have it.
      readings.set(name.key, null)
      rest = skipToStatement(name.rest)
      continue
    }
    const value = takeValue(name.rest)
    if (value === undefined) return undefined
    readings.set(name.key, value.value)
    rest = skipToStatement(value.rest)
  }
  return readings
}

function skipToStatement(text: string): string {
  let rest = text
  for (;;) {
    SPACE.lastIndex = 0
    SPACE.test(rest)
    rest = rest.slice(SPACE.lastIndex)
    if (!rest.startsWith('#')) return rest
    const end = rest.indexOf('\n')
    if (end === -1) return ''
    rest = rest.slice(end)
  }
}

function takeName(text: string): { key: string; rest: string; inherited: boolean } | undefined {
  const src = /^export[\t\n\f\r ]+/.test(text) ? text.slice('export'.length).replace(BLANKS, '') : text
  if (src === '') return undefined
  let at = 0
  for (const character of src) {
    if (character === '=' || character === ':' || character === '\n') {
      const key = src.slice(0, at).replace(BLANKS_AT_END, '')
      return { key, rest: src.slice(at + 1).replace(BLANKS, ''), inherited: character === '\n' }
    }
    if (!KEY_CHARACTER.test(character)) return undefined
    at += character.length
  }
  // A last line without an end and without a sign: compose takes it as the value of the empty name.
  return { key: '', rest: src.replace(BLANKS, ''), inherited: false }
}

function takeValue(src: string): { value: string | null; rest: string } | undefined {
  const quote = src[0]
  if (quote !== '"' && quote !== '\'') {
    const end = src.indexOf('\n')
    const line = end === -1 ? src : src.slice(0, end)
    const comment = line.indexOf(' #')
    const bare = (comment === -1 ? line : line.slice(0, comment)).replace(BLANKS_AT_END, '')
    const value = resolve(bare)
    return value === undefined ? undefined : { value, rest: end === -1 ? '' : src.slice(end + 1) }
  }
  let inner = ''
  let escaped = false
  for (let at = 1; at < src.length; at += 1) {
    const character = src.charAt(at)
    if (character === quote && !escaped) {
      const value = quote === '"' ? resolve(unescape(inner)) : inner
      return value === undefined ? undefined : { value, rest: src.slice(at + 1) }
    }
    if (character === '\\' && !escaped) {
      escaped = true
      continue
    }
    inner += escaped && character !== quote ? `\\${character}` : character
    escaped = false
  }
  return undefined
}

function unescape(text: string): string {
  return text.replaceAll(ESCAPE, (match) => {
    const octal = /^\\0(.*)$/s.exec(match)?.[1]
    if (octal === undefined) return ESCAPED[match.slice(1)] ?? match
    const code = /^[0-7]{3}$/.test(octal) ? Number.parseInt(octal, 8) : 256
    // What Go does not take as an escape stays, without the zero that marked it.
    return code < 256 ? String.fromCharCode(code) : `\\${octal}`
  })
}

/** Undefined is an error, null depends on variables. */
function resolve(text: string): string | null | undefined {
  let moving = false
  let broken = false
  const value = text.replaceAll(REFERENCE, (_match, doubled?: string, named?: string, braced?: string) => {
    if (doubled !== undefined) return '$'
    if (named === undefined && braced === undefined) broken = true
    else moving = true
    return ''
  })
  if (broken) return undefined
  return moving ? null : value
}
