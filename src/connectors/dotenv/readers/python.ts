import type { Readings } from './reading.ts'

/** White space as Python's `\s` has it for text. */
const S = String.raw`\t\n\v\f\r\x1c-\x1f \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`
const BLANK = String.raw`\t\v\f\x1c-\x1f \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`
const SPACE = new RegExp(`[${S}]*`, 'y')
const EXPORT = new RegExp(`(?:export[${BLANK}]+)?`, 'y')
const QUOTED_KEY = /'([^']+)'/y
const BARE_KEY = new RegExp(`([^=#${S}]+)`, 'y')
const BLANKS = new RegExp(`[${BLANK}]*`, 'y')
const SIGN = new RegExp(`=[${BLANK}]*`, 'y')
const BARE = /([^\n]*)/y
const COMMENT = new RegExp(`(?:[${BLANK}]*#[^\\n]*)?`, 'y')
const LINE_END = new RegExp(`[${BLANK}]*(?:\\n|$)`, 'y')
const REST = /[^\n]*\n?/y
const BARE_COMMENT = new RegExp(`[${S}]+#[^\\n]*`, 'g')
const SPACE_AT_END = new RegExp(`[${S}]+$`)
const REFERENCE = /\$\{[^}:]*(?::-[^}]*)?\}/
const ESCAPED: Readonly<Record<string, string>> = {
  '\\': '\\', '\'': '\'', '"': '"', a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v',
}

/** What has changed between versions that are in use. */
interface Rules {
  readonly single: RegExp
  readonly double: RegExp
  /** Whether the value of `KEY= # comment` is empty. */
  readonly comment: boolean
}

/** Up to 1.1. */
const OLD: Rules = { single: /'((?:\\'|[^'])*)'/y, double: /"((?:\\"|[^"])*)"/y, comment: false }
/** From 1.2.4 on; those between have a part of the one and a part of the other. */
const NEW: Rules = { single: /'((?:\\[^]|[^'\\])*)'/y, double: /"((?:\\[^]|[^"\\])*)"/y, comment: true }

/**
 * Reads an env file as python-dotenv does (`load_dotenv`, with its default interpolation). Lines that it cannot parse are
 * skipped. What versions in use read differently depends on more than the file. Undefined when the file begins with a byte order mark,
 * which versions up to 1.1 take for a part of the first name, or has a key that no environment takes.
 * Facts: theskumar/python-dotenv, src/dotenv/parser.py and variables.py, versions 1.1 and 1.2.
 */
export function readPython(text: string): Readings | undefined {
  if (text.startsWith('\ufeff')) return undefined
  const [old, now] = [readBy(OLD, text), readBy(NEW, text)]
  // A key in quotes may hold it, and no environment takes it: the program that reads the file ends there.
  if ([...old.keys(), ...now.keys()].some((key) => key.includes('='))) return undefined
  return new Map([...old.keys(), ...now.keys()].map((key) => [key, old.get(key) === now.get(key) ? (now.get(key) ?? null) : null]))
}

function readBy(rules: Rules, text: string): Readings {
  const readings = new Map<string, string | null>()
  // Python opens the file as text, which makes every line end a plain one.
  const reader = new Cursor(text.replaceAll(/\r\n?/g, '\n'))
  while (reader.more()) {
    const line = takeLine(reader, rules)
    if (line === undefined) reader.take(REST)
    else if (line.value !== undefined) readings.set(line.key, REFERENCE.test(line.value) ? null : line.value)
    else if (line.key !== '') readings.delete(line.key)
  }
  return readings
}

class Cursor {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  more(): boolean {
    return this.#at < this.#text.length
  }

  peek(): string {
    return this.#text.charAt(this.#at)
  }

  /** The first group, or all of the match; undefined, and nothing taken, when it does not match here. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.#at = pattern.lastIndex
    return match[1] ?? match[0]
  }
}

/** Undefined is an error; an empty key is a line without one; no value is a key without a sign, which is not set. */
function takeLine(reader: Cursor, rules: Rules): { key: string; value: string | undefined } | undefined {
  reader.take(SPACE)
  if (!reader.more()) return { key: '', value: undefined }
  reader.take(EXPORT)
  const key = reader.peek() === '#' ? '' : reader.take(reader.peek() === '\'' ? QUOTED_KEY : BARE_KEY)
  if (key === undefined) return undefined
  reader.take(BLANKS)
  let value: string | undefined
  if (reader.peek() === '=') {
    const blanks = reader.take(SIGN) !== '='
    value = rules.comment && blanks && reader.peek() === '#' ? '' : takeValue(reader, rules)
    if (value === undefined) return undefined
  }
  reader.take(COMMENT)
  if (reader.take(LINE_END) === undefined) return undefined
  return { key, value }
}

function takeValue(reader: Cursor, rules: Rules): string | undefined {
  const first = reader.peek()
  if (first === '\'') return reader.take(rules.single)?.replaceAll(/\\[\\']/g, (escape) => escape.charAt(1))
  if (first === '"') {
    return reader.take(rules.double)?.replaceAll(/\\[\\'"abfnrtv]/g, (escape) => ESCAPED[escape.charAt(1)] ?? escape)
  }
  if (first === '' || first === '\n') return ''
  return reader.take(BARE)?.replaceAll(BARE_COMMENT, '').replace(SPACE_AT_END, '')
}
