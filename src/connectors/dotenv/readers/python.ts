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
const SINGLE = /'((?:\\'|[^'])*)'/y
const DOUBLE = /"((?:\\"|[^"])*)"/y
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

/**
 * Reads an env file as python-dotenv does (`load_dotenv`, with its default interpolation). Lines that it cannot parse are
 * skipped, so no file is refused. Facts: theskumar/python-dotenv, src/dotenv/parser.py and variables.py, version 1.2.
 */
export function readPython(text: string): Readings {
  const readings = new Map<string, string | null>()
  // Python opens the file as text, which makes every line end a plain one.
  const reader = new Cursor(text.replace(/^\ufeff/, '').replaceAll(/\r\n?/g, '\n'))
  while (reader.more()) {
    const line = takeLine(reader)
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
function takeLine(reader: Cursor): { key: string; value: string | undefined } | undefined {
  reader.take(SPACE)
  if (!reader.more()) return { key: '', value: undefined }
  reader.take(EXPORT)
  const key = reader.peek() === '#' ? '' : reader.take(reader.peek() === '\'' ? QUOTED_KEY : BARE_KEY)
  if (key === undefined) return undefined
  reader.take(BLANKS)
  let value: string | undefined
  if (reader.peek() === '=') {
    reader.take(SIGN)
    value = takeValue(reader)
    if (value === undefined) return undefined
  }
  reader.take(COMMENT)
  if (reader.take(LINE_END) === undefined) return undefined
  return { key, value }
}

function takeValue(reader: Cursor): string | undefined {
  const first = reader.peek()
  if (first === '\'') return reader.take(SINGLE)?.replaceAll(/\\[\\']/g, (escape) => escape.charAt(1))
  if (first === '"') {
    return reader.take(DOUBLE)?.replaceAll(/\\[\\'"abfnrtv]/g, (escape) => ESCAPED[escape.charAt(1)] ?? escape)
  }
  if (first === '' || first === '\n') return ''
  return reader.take(BARE)?.replaceAll(BARE_COMMENT, '').replace(SPACE_AT_END, '')
}
