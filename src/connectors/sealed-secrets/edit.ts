import { isScalar, type Pair, type Scalar, type YAMLMap } from 'yaml'
import { keyText } from './sealed-file.ts'

/** A part of a text, and what takes its place. */
interface Splice {
  readonly from: number
  readonly to: number
  readonly by: string
}

/**
 * The text with this under the key: only the value changes, in the quotes that it has; a new key stands after the others, as they are
 * written. Every other byte stays. `sealed` is base64, which needs no quotes in YAML. Pure.
 */
export function putKey(text: string, map: YAMLMap, key: string, sealed: string): string {
  const there = pairOf(map, key)
  if (there !== undefined && isScalar(there.value)) return spliced(text, inPlaceOf(text, there.value, sealed))
  const last = map.items.at(-1)
  if (last === undefined) return spliced(text, { ...extent(map), to: trimmed(text, extent(map)), by: `{ "${key}": "${sealed}" }` })
  if (map.flow === true) {
    // As the first one stands: JSON has each on a line of its own.
    const first = extent(firstKey(map)).from
    const gap = text.slice(extent(map).from + 1, first)
    return spliced(text, { from: first, to: first, by: `"${key}": "${sealed}",${gap === '' ? ' ' : gap}` })
  }
  const at = endOfLine(text, extent(last.value as Scalar).to)
  const [indent, end] = [text.slice(startOfLine(text, extent(firstKey(map)).from), extent(firstKey(map)).from), text.includes('\r\n') ? '\r\n' : '\n']
  const whole = text[at - 1] === '\n'
  return spliced(text, { from: at, to: at, by: `${whole ? '' : end}${indent}${quoted(key)}: ${sealed}${whole ? end : ''}` })
}

/** The text without the key, its line and what is written behind it there; the same text when it has none. Pure. */
export function dropKey(text: string, map: YAMLMap, key: string): string {
  const at = map.items.findIndex((pair) => isScalar(pair.key) && keyText(pair.key) === key)
  const pair = map.items[at]
  if (pair === undefined) return text
  if (map.items.length === 1) return spliced(text, { ...extent(map), to: trimmed(text, extent(map)), by: '{}' })
  const [from, to] = [extent(pair.key as Scalar).from, extent(pair.value as Scalar).to]
  if (map.flow !== true) {
    const [start, end] = [startOfLine(text, from), endOfLine(text, to)]
    // Behind the last line there may be no line end: then the one before it goes.
    const before = text[end - 1] === '\n' ? start : text.slice(0, start).replace(/\r?\n$/, '').length
    return spliced(text, { from: before, to: end, by: '' })
  }
  const [before, after] = [map.items[at - 1], map.items[at + 1]]
  if (after !== undefined) return spliced(text, { from, to: extent(after.key as Scalar).from, by: '' })
  return spliced(text, { from: extent(before?.value as Scalar).to, to, by: '' })
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && keyText(pair.key) === key)
}

function firstKey(map: YAMLMap): Scalar {
  return map.items[0]?.key as Scalar
}

function inPlaceOf(text: string, value: Scalar, sealed: string): Splice {
  const { from, to } = extent(value)
  const sign = value.type === 'QUOTE_DOUBLE' ? '"' : value.type === 'QUOTE_SINGLE' ? "'" : ''
  return { from, to: trimmed(text, { from, to }), by: `${sign}${sealed}${sign}` }
}

/** Where a node stands in the text, without what follows it. A block scalar ends with its last line's end. */
function extent({ range }: { readonly range?: readonly [number, number, number] | null | undefined }): { readonly from: number; readonly to: number } {
  if (range === undefined || range === null) throw new TypeError('a node of a text has a range')
  return { from: range[0], to: range[1] }
}

/** The end of a node without the line ends that belong to it. */
function trimmed(text: string, { from, to }: { readonly from: number; readonly to: number }): number {
  return from + text.slice(from, to).trimEnd().length
}

function startOfLine(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1
}

/** After the end of the line; of a block scalar, whose end is the start of a line, that itself. */
function endOfLine(text: string, at: number): number {
  if (text[at - 1] === '\n') return at
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end + 1
}

function spliced(text: string, { from, to, by }: Splice): string {
  return text.slice(0, from) + by + text.slice(to)
}

/** A key that YAML could take for something else stands in quotes. */
function quoted(key: string): string {
  return /^[A-Za-z_][\w.-]*$/.test(key) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(key) ? key : `"${key}"`
}
