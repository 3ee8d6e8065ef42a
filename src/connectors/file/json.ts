import { type Node, type ParseError, parseTree } from 'jsonc-parser'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { decodeUtf8, type Format, noText } from './format.ts'
import { namesOf, pointerTo } from './pointer.ts'

interface Document {
  /** Without a byte order mark. */
  readonly text: string
  readonly root: Node
}

/** Where a key leads: to a string, or to an object that could have it. */
type Found = { readonly value: Node } | { readonly into?: Node }

/** Strings in a JSON document. Only the token of a string is changed; a new key is written like its neighbour. */
export const jsonFormat: Format = {
  keys: 'a pointer such as `/db/password`, or a path such as `db.password`',
  fixed: false,

  place: (key) => {
    const names = namesOf(key)
    return names === undefined ? undefined : pointerTo(names)
  },

  read: (bytes, keys) => {
    const parsed = parse(bytes)
    if (parsed.is !== 'done') return parsed
    const values = new Map<string, string>()
    for (const key of keys) {
      const found = find(parsed.value.root, key)
      if (found.is !== 'done') return found
      if ('value' in found.value) values.set(key, String(found.value.value.value))
    }
    return done(values)
  },

  put: (bytes, key, value) => {
    const parsed = parse(bytes)
    if (parsed.is !== 'done') return parsed
    const { text, root } = parsed.value
    const found = find(root, key)
    if (found.is !== 'done') return found
    const next = edit(text, found.value, namesOf(key)?.at(-1) ?? '', value)
    if (next === undefined) return refused('STORE_UNFIT', unputtable(key, found.value))
    const mark = bytes.subarray(0, 3).equals(MARK) ? MARK : Buffer.alloc(0)
    return done(Buffer.concat([mark, Buffer.from(next)]))
  },

  misread: (_key, value) => noText(value),
}

const MARK = Buffer.from('\ufeff')

function parse(bytes: Buffer): Answer<Document> {
  const text = decodeUtf8(bytes)?.replace(/^\ufeff/, '')
  if (text === undefined) return refused('STORE_UNFIT', 'it is no UTF-8 text')
  try {
    const errors: ParseError[] = []
    const root = parseTree(text, errors, { disallowComments: true })
    if (root !== undefined && errors.length === 0) return done({ text, root })
  } catch {
    // A RangeError: brackets in brackets, too many for the stack.
  }
  return refused('STORE_UNFIT', 'it is no JSON document')
}

function find(root: Node, key: string): Answer<Found> {
  const names = namesOf(key) ?? []
  let at = root
  for (const [depth, name] of names.entries()) {
    const here = pointerTo(names.slice(0, depth + 1))
    if (at.children === undefined) return refused('STORE_UNFIT', `${depth === 0 ? 'the document' : pointerTo(names.slice(0, depth))} is no object but: ${at.type}`)
    const values = at.type === 'object' ? named(at, name) : itemAt(at, name)
    if (values.length > 1) return refused('STORE_UNFIT', `${here} is there ${values.length} times, and readers differ in which they take`)
    const [value] = values
    if (value === undefined) return done(at.type === 'object' && depth === names.length - 1 ? { into: at } : {})
    at = value
  }
  return at.type === 'string' ? done({ value: at }) : refused('STORE_UNFIT', `${pointerTo(names)} is no string but: ${at.type}`)
}

interface Member {
  readonly name: string
  readonly key: Node
  readonly value: Node
}

function members(node: Node): readonly Member[] {
  return (node.children ?? []).flatMap(({ children: [key, value] = [] }) =>
    key === undefined || value === undefined ? [] : [{ name: String(key.value), key, value }],
  )
}

function named(object: Node, name: string): readonly Node[] {
  return members(object).filter((member) => member.name === name).map((member) => member.value)
}

function itemAt(list: Node, name: string): readonly Node[] {
  const item = /^(?:0|[1-9]\d*)$/.test(name) ? list.children?.[Number(name)] : undefined
  return item === undefined ? [] : [item]
}

/** The text with the value put, or taken away; undefined when it has no place to be put or cannot be taken. */
function edit(text: string, found: Found, name: string, value: string | null): string | undefined {
  const ascii = /^[\0-\x7f]*$/.test(text)
  if ('value' in found) {
    const { value: token } = found
    return value === null ? without(text, token) : splice(text, token.offset, endOf(token), encode(value, ascii))
  }
  if (value === null) return text
  return found.into === undefined ? undefined : withMember(text, found.into, encode(name, ascii), encode(value, ascii))
}

function unputtable(key: string, found: Found): string {
  if ('value' in found) return `${key} is an item of a list: others would take its place`
  return `there is no object that could hold ${key}`
}

/** A string as JSON; a file that is all ASCII stays so. */
function encode(value: string, ascii: boolean): string {
  const token = JSON.stringify(value)
  return ascii ? token.replaceAll(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) : token
}

function withMember(text: string, object: Node, name: string, value: string): string {
  const all = members(object)
  const last = all.at(-1)
  if (last === undefined) return splice(text, object.offset + 1, object.offset + 1, `${name}: ${value}`)
  const before = all.at(-2)
  const from = before === undefined ? object.offset + 1 : text.indexOf(',', endOf(before.value)) + 1
  const lead = text.slice(from, last.key.offset)
  const colon = text.slice(endOf(last.key), last.value.offset)
  return splice(text, endOf(last.value), endOf(last.value), `,${lead}${name}${colon}${value}`)
}

function without(text: string, value: Node): string | undefined {
  const property = value.parent
  const object = property?.parent
  if (property?.type !== 'property' || object === undefined) return undefined
  const all = members(object)
  const at = all.findIndex((member) => member.value === value)
  const [before, next] = [all[at - 1], all[at + 1]]
  if (next !== undefined) return splice(text, property.offset, next.key.offset, '')
  return splice(text, before === undefined ? property.offset : endOf(before.value), endOf(value), '')
}

function endOf(node: Node): number {
  return node.offset + node.length
}

function splice(text: string, from: number, to: number, put: string): string {
  return text.slice(0, from) + put + text.slice(to)
}
