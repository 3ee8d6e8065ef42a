import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Format } from './format.ts'

/** From its BEGIN line up to the end of its END line, without that line's end. */
interface Block {
  readonly label: string
  readonly start: number
  readonly end: number
}

/** A label as RFC 7468 writes it, in the letters that are in use. */
const LABEL = '[A-Z0-9]+(?:[ -][A-Z0-9]+)*'
const BLOCK = new RegExp(`^-----BEGIN (${LABEL})-----[ \\t]*\\r?\\n(?:(?!-----)[^\\r\\n]*\\r?\\n)*-----END \\1-----`, 'gm')
const BORDER = /^-----(?:BEGIN|END) /gm
const KEY = new RegExp(`^(${LABEL})(?:/([1-9]\\d{0,3}))?$`)
/** The headers of old encrypted keys (RFC 1421), and the empty line behind them. */
const HEADERS = '(?:(?:[A-Za-z0-9-]+:|[ \\t])[^\\n]*\\n)+\\n'
const VALUE = new RegExp(`^-----BEGIN (${LABEL})-----\\n(?:${HEADERS})?((?:[A-Za-z0-9+/=]+\\n)+)-----END \\1-----$`)

/**
 * PEM blocks of a file, by label and, where a label is there more than once, by their number from 1. A value is a whole block,
 * with its borders, lines with LF, without a line end at its end. What stands between the blocks, and how lines end, stays.
 */
export const pemFormat: Format = {
  keys: 'a label such as `PRIVATE KEY`, or with its number `CERTIFICATE/2`',
  fixed: false,

  place: (key) => {
    const [, label, number = '1'] = KEY.exec(key) ?? []
    return label === undefined ? undefined : `${label}/${number}`
  },

  read: (bytes, keys) => {
    const cut = blocks(bytes)
    if (cut.is !== 'done') return cut
    const values = new Map<string, string>()
    for (const key of keys) {
      const found = find(cut.value, key)
      if (found.is !== 'done') return found
      const { block } = found.value
      if (block === undefined) continue
      const value = cut.value.text.slice(block.start, block.end).replaceAll(/[ \t]*\r?\n/g, '\n')
      const why = misread(key, value)
      if (why !== undefined) return refused('VALUE_UNREADABLE', `${key}: ${why}`)
      values.set(key, value)
    }
    return done(values)
  },

  put: (bytes, key, value) => {
    const cut = blocks(bytes)
    if (cut.is !== 'done') return cut
    const { text } = cut.value
    const found = find(cut.value, key)
    if (found.is !== 'done') return found
    const { block, same, number } = found.value
    const beside = block === undefined ? text : text.slice(block.start, block.end)
    const end = beside.includes('\r\n') ? '\r\n' : '\n'
    if (value !== null) {
      const written = value.replaceAll('\n', end)
      if (block !== undefined) return done(Buffer.from(text.slice(0, block.start) + written + text.slice(block.end), 'latin1'))
      if (number !== same + 1) return refused('STORE_UNFIT', `${key} cannot be made: ${same} blocks have its label`)
      const apart = text === '' || text.endsWith('\n') ? '' : end
      return done(Buffer.from(text + apart + written + end, 'latin1'))
    }
    if (block === undefined) return done(bytes)
    if (number !== same) return refused('STORE_UNFIT', `${key} cannot be taken away: another block would get its number`)
    const line = /^[ \t]*\r?\n/.exec(text.slice(block.end))?.[0] ?? ''
    return done(Buffer.from(text.slice(0, block.start) + text.slice(block.end + line.length), 'latin1'))
  },

  misread,
}

/** The text has one character per byte (latin1), so bytes that are no UTF-8 survive. */
function blocks(bytes: Buffer): Answer<{ readonly text: string; readonly all: readonly Block[] }> {
  const text = bytes.toString('latin1')
  const all = [...text.matchAll(BLOCK)].map((match) => ({ label: match[1] ?? '', start: match.index, end: match.index + match[0].length }))
  const borders = [...text.matchAll(BORDER)].length
  if (borders !== 2 * all.length) return refused('STORE_UNFIT', 'a PEM block in it has no end, no beginning or another form')
  return done({ text, all })
}

/** The block of a key, its number, and how many have its label. */
function find(
  { all }: { readonly all: readonly Block[] },
  key: string,
): Answer<{ readonly block: Block | undefined; readonly number: number; readonly same: number }> {
  const [, label, digits] = KEY.exec(key) ?? []
  const same = all.filter((block) => block.label === label)
  if (digits === undefined && same.length > 1)
    return refused('STORE_UNFIT', `${same.length} blocks have the label ${key}: say which, ${key}/1 to ${key}/${same.length}`)
  const number = Number(digits ?? 1)
  return done({ block: same[number - 1], number, same: same.length })
}

function misread(key: string, value: string): string | undefined {
  const label = KEY.exec(key)?.[1]
  const [, found, data = ''] = VALUE.exec(value) ?? []
  if (found === undefined) return 'it is not one PEM block, from its BEGIN to its END and nothing after it'
  if (found !== label) return `it is a block with the label ${found}`
  const base64 = data.replaceAll('\n', '')
  return Buffer.from(base64, 'base64').toString('base64') === base64 ? undefined : 'its data is no base64'
}
