import { describe, expect, it } from 'vitest'
import { type Entry, readUsers, turnedOff, turnedOn, type Users, withPassword, without, withUser } from './users.ts'

/** The same three users, as people lay a file out. */
const layouts: readonly (readonly [string, string])[] = [
  ['one a line', '{\n  "users": [\n    {"user":"a","password":"x"}, // first\n    {"user":"b","password":"y"},\n    {"user":"c","password":"z"} # last\n  ]\n}\n'],
  ['all in one line', '{"users":[{"user":"a","password":"x"},{"user":"b","password":"y"},{"user":"c","password":"z"}]}'],
  ['over many lines', '# head, "users": [\n{\n\t"users" : [\n\t\t{\n\t\t\t"user": "a", # {"user":"b"}\n\t\t\t"password": "x"\n\t\t}\n\t\t,{"user":"b", // , "password": "no"\n\t\t  "password": "y"}, {"user":"c","password":"z"}\n\t] }'],
  ['with the line ends of Windows', '{\r\n  "users": [\r\n    {"user":"a","password":"x"},\r\n    {"user":"b","password":"y"},\r\n    {"user":"c","password":"z"}\r\n  ]\r\n}\r\n'],
]

const read = (text: string): Users => readUsers(text) ?? expect.fail(`cannot be read: ${text}`)
const entry = (users: Users, id: string): Entry => users.entries.find((one) => one.id === id) ?? expect.fail(id)
const ids = ({ entries }: Users): string => entries.map(({ id, state }) => (state === 'on' ? id : `(${id})`)).join(' ')

describe.each(layouts)('a file of users, %s', (_, text) => {
  it('is cut into its users', () => {
    expect(read(text).entries.map(({ id, password, state }) => [id, password, state])).toEqual([['a', 'x', 'on'], ['b', 'y', 'on'], ['c', 'z', 'on']])
  })

  it.each(['a', 'b', 'c'])('changes the password of %s and no other byte', (id) => {
    const users = read(text)
    const { start, end } = entry(users, id)
    const next = withPassword(users, entry(users, id), '$2b$04$new')
    expect(entry(read(next), id).password).toBe('$2b$04$new')
    expect([next.slice(0, start), next.slice(-(text.length - end))]).toEqual([text.slice(0, start), text.slice(end)])
  })

  it.each([['a', '(a) b c', 'b c'], ['b', 'a (b) c', 'a c'], ['c', 'a b (c)', 'a b']])('has %s turned off, on again and taken out, and the others as they were', (id, off, gone) => {
    const offText = turnedOff(read(text), entry(read(text), id), 'team')
    expect(ids(read(offText))).toBe(off)
    const onText = turnedOn(read(offText), entry(read(offText), id))
    expect(ids(read(onText))).toBe('a b c')
    for (const from of [text, offText, onText]) {
      const users = read(without(read(from), entry(read(from), id)))
      expect(ids(users)).toBe(gone)
      for (const other of users.entries) expect(from).toContain(users.text.slice(other.start, other.end))
    }
  })

  it.each([['a', 'new a b c'], ['c', 'a b new c']])('takes a user before %s, which is on or off', (id, order) => {
    expect(ids(read(withUser(read(text), { user: 'new', password: 'n' }, 'team', entry(read(text), id))))).toBe(order)
    const off = read(turnedOff(read(text), entry(read(text), id), 'team'))
    expect(ids(read(withUser(off, { user: 'new', password: 'n' }, 'team', entry(off, id))))).toBe(order.replace(id, `(${id})`))
  })

  it('may have all of its users off, and each on again', () => {
    let users = read(text)
    for (const id of ['b', 'c', 'a']) users = read(turnedOff(users, entry(users, id), 'team'))
    expect(ids(users)).toBe('(a) (b) (c)')
    for (const id of ['b', 'c', 'a']) users = read(turnedOn(users, entry(users, id)))
    expect(ids(users)).toBe('a b c')
  })
})

describe('a key in a file of users', () => {
  const text = '{ "users": [\n  { // keyturn:robot\n    "nkey": "UA" },\n  { "nkey": "UB" }\n] }'

  it('is of whom the comment in it names, also while it is off', () => {
    expect(read(text).entries.map(({ id, mark }) => [id, mark])).toEqual([['UA', 'robot'], ['UB', undefined]])
    const off = read(turnedOff(read(text), entry(read(text), 'UA'), 'robot'))
    expect(entry(off, 'UA')).toMatchObject({ state: 'off', mark: 'robot' })
    expect(entry(read(turnedOn(off, entry(off, 'UA'))), 'UA')).toMatchObject({ state: 'on', mark: 'robot' })
  })
})

describe('what is no file of users', () => {
  it.each([
    'users: [ { user: a, password: x } ]', '{ "users": {} }', '{ "user": [] }', '{ "users": [], "users": [] }', '{ "users": [ { "user": "a" } ', '{ "users": [ "a" ] }',
    '{ "users": [ { "password": "x" } ] }', '{ /* no comment of NATS */ "users": [] }', '',
  ])('%s', (text) => {
    expect(readUsers(text)).toBeUndefined()
  })
})
