import { getNodeValue, type ParseError, parseTree } from 'jsonc-parser'

/** What a server reads of a user, as it stands in the file. */
export type Rights = Readonly<Record<string, unknown>>

/** One user of the file. */
export interface Entry {
  /** Its name, or its public key. */
  readonly id: string
  /** The hash of its password, or the password itself; empty for a key. */
  readonly password: string
  /** `off`: it stands in a comment, so that it can be turned on again. */
  readonly state: 'on' | 'off'
  /** Whose it is by a comment in it, `// keyturn:NAME`: keys have no names. */
  readonly mark?: string
  readonly said: Rights
  /** Where it stands in the text. */
  readonly start: number
  readonly end: number
}

/** A file of users, cut so that one of them can be changed and all else stays byte for byte. */
export interface Users {
  readonly text: string
  readonly entries: readonly Entry[]
}

const COMMENT = /"(?:[^"\\\n]|\\.)*"|(?:#|\/\/)[^\n]*/g
const MARK = /^(?:#|\/\/)\s*keyturn:(\S+)\s*$/
const OFF = /^(?:#|\/\/)\s*keyturn-off (\S+) (\{.*\})\s*$/

/**
 * Reads `{ "users": [ ... ] }`: JSON, which the configuration language of NATS holds in it, with its comments to the end of a line.
 * Undefined for all else, as what only that language can say. https://docs.nats.io/running-a-nats-service/configuration
 */
export function readUsers(text: string): Users | undefined {
  const comments = [...text.matchAll(COMMENT)].filter(([token]) => !token.startsWith('"'))
  const errors: ParseError[] = []
  const root = parseTree(text.replaceAll(COMMENT, (token) => (token.startsWith('"') ? token : ' '.repeat(token.length))), errors, { disallowComments: true })
  const lists = (root?.type === 'object' ? (root.children ?? []) : []).flatMap(({ children: [key, value] = [] }) => (key?.value === 'users' && value?.type === 'array' ? [value] : []))
  const [list, ...more] = lists
  if (errors.length > 0 || list === undefined || more.length > 0) return undefined
  const on = (list.children ?? []).map((node): Entry | undefined => {
    const [start, end] = [node.offset, node.offset + node.length]
    const mark = comments.filter(({ index }) => index > start && index < end).map(([token]) => MARK.exec(token)?.[1]).find((name) => name !== undefined)
    return entryOf(getNodeValue(node), { start, end, state: 'on', ...(mark === undefined ? {} : { mark }) })
  })
  const off = comments.filter(({ index }) => index > list.offset && index < list.offset + list.length).map(({ 0: token, index: start }): Entry | undefined => {
    const [, mark = '', said = ''] = OFF.exec(token) ?? []
    return said === '' ? undefined : entryOf(parsed(said), { start, end: start + token.length, state: 'off', mark })
  })
  const entries = [...on, ...off].filter((entry) => entry !== undefined)
  return on.includes(undefined) ? undefined : { text, entries: entries.sort((a, b) => a.start - b.start) }
}

function entryOf(said: unknown, place: Pick<Entry, 'start' | 'end' | 'state' | 'mark'>): Entry | undefined {
  if (typeof said !== 'object' || said === null || Array.isArray(said)) return undefined
  const { user, username = user, nkey = username, password, pass = password } = said as Rights
  return typeof nkey !== 'string' ? undefined : { id: nkey, password: typeof pass === 'string' ? pass : '', said: said as Rights, ...place }
}

/** The same with another password in the place of the one of this entry; all other bytes stay. */
export function withPassword({ text }: Users, { said, start, end }: Entry, password: string): string {
  const key = 'pass' in said ? 'pass' : 'password'
  const own = text.slice(start, end)
  const blank = own.replaceAll(COMMENT, (token) => (token.startsWith('"') ? token : ' '.repeat(token.length)))
  const value = (parseTree(blank)?.children ?? []).flatMap(({ children: [name, found] = [] }) => (name?.value === key && found !== undefined ? [found] : [])).at(-1)
  if (value === undefined) return text
  return splice(text, start + value.offset, start + value.offset + value.length, JSON.stringify(password))
}

/** The same with a user of these rights before this entry, which is one of the same secret. */
export function withUser(users: Users, said: Rights, mark: string, before: Entry): string {
  const indent = indentOf(users.text, before.start)
  const end = before.state === 'on' ? `,\n${indent}` : `${before.start < lastStart(users) ? ',' : ''}\n${indent}`
  return splice(followed(users, before.start), before.start + shift(users, before.start), before.start + shift(users, before.start), rendered(said, mark, indent) + end)
}

/** The same without this entry. */
export function without(users: Users, entry: Entry): string {
  return cleared(users, entry, '')
}

/** The same with this entry, which is on, in a comment. */
export function turnedOff(users: Users, entry: Entry, mark: string): string {
  return cleared(users, entry, `// keyturn-off ${mark} ${JSON.stringify(entry.said)}`)
}

/** The same with this entry, which is off, out of its comment. */
export function turnedOn(users: Users, entry: Entry, said: Rights = entry.said): string {
  const by = shift(users, entry.start)
  const more = entry.start < lastStart(users) ? ',' : ''
  return splice(followed(users, entry.start), entry.start + by, entry.end + by, rendered(said, entry.mark ?? '', indentOf(users.text, entry.start)) + more)
}

/** Where the last entry that is on begins. */
function lastStart({ entries }: Users): number {
  return entries.findLast(({ state }) => state === 'on')?.start ?? -1
}

/** The text with a comma behind the last entry that is on, when what comes at this place comes behind it. */
function followed(users: Users, at: number): string {
  const last = users.entries.findLast(({ state }) => state === 'on')
  return last === undefined || last.start >= at ? users.text : splice(users.text, last.end, last.end, ',')
}

function shift(users: Users, at: number): number {
  return followed(users, at).length - users.text.length
}

/** Without the entry and the comma that it needs no more; a line that is empty then goes as well. */
function cleared({ text, entries }: Users, { start, end, state }: Entry, instead: string): string {
  const on = entries.filter((one) => one.state === 'on')
  const [next, before] = [on.find((one) => one.start > start), on.findLast((one) => one.end <= start)]
  const gone = '\0'
  let cut = text
  if (state === 'on' && next !== undefined) cut = withoutComma(cut, end, next.start)
  cut = splice(cut, start, end, gone)
  if (state === 'on' && next === undefined && before !== undefined) cut = withoutComma(cut, before.end, start)
  if (instead === '') return cut.replace(/(\n?)[^\S\n]*\0[^\S\n]*(?=\n)|\0[^\S\n]*/, '')
  return cut.replace(/\0[^\S\n]*(\n?)/, (_, line: string) => `${instead}${line === '' ? '\n' : line}`)
}

/** Takes the comma between two places away; one in a comment is none. */
function withoutComma(text: string, from: number, to: number): string {
  const between = text.slice(from, to).replaceAll(COMMENT, (token) => ' '.repeat(token.length))
  const at = between.indexOf(',')
  return at < 0 ? text : splice(text, from + at, from + at + 1, '')
}

function rendered(said: Rights, mark: string, indent: string): string {
  const json = JSON.stringify(said)
  return 'nkey' in said ? `{ // keyturn:${mark}\n${indent}  ${json.slice(1)}` : json
}

function indentOf(text: string, at: number): string {
  const [, indent = '    '] = /(?:^|\n)([^\S\n]*)[^\n]*$/.exec(text.slice(0, at)) ?? []
  return indent
}

function splice(text: string, from: number, to: number, by: string): string {
  return text.slice(0, from) + by + text.slice(to)
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
