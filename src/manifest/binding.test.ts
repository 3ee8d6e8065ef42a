import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret, type Fields } from '../kit/index.ts'
import { fieldsOfBinding, readBinding, renderBinding } from './binding.ts'
import type { Binding } from './model.ts'

const fields = (plain: Record<string, string>): Fields =>
  Object.fromEntries(Object.entries(plain).map(([name, text]) => [name, new Secret(text)]))
const plain = (read: Fields | undefined): Record<string, string> | undefined =>
  read && Object.fromEntries(Object.entries(read).map(([name, value]) => [name, value.reveal()]))
const render = (binding: Binding, values: Record<string, string>, current?: string): string =>
  renderBinding(binding, fields(values), current === undefined ? undefined : new Secret(current)).reveal()
const read = (binding: Binding, value: string, names: readonly string[] = ['user', 'password']) =>
  plain(readBinding(binding, new Secret(value), names))

const dsn = { template: 'postgres://{user}:{password}@db:5432/atlas?sslmode=require' }
const userAndPassword = { url: { user: 'user', password: 'password' } }
const anyText = fc.string({ unit: 'binary', minLength: 1 })

describe('a template', () => {
  it('that is a URL percent-encodes the fields and keeps host, port, database and parameters (S0-09, S0-52)', () => {
    expect(render(dsn, { user: 'atlas', password: "p@s/s:w?#% '(!)*" })).toBe(
      'postgres://atlas:p%40s%2Fs%3Aw%3F%23%25%20%27%28%21%29%2A@db:5432/atlas?sslmode=require',
    )
    expect(render({ template: 'redis://:{password}@cache:6379/6' }, { password: 'a/b' })).toBe('redis://:a%2Fb@cache:6379/6')
  })

  it('that is no URL takes the fields as they are', () => {
    expect(render({ template: '{user}:{password}' }, { user: 'a', password: 'p:%40' })).toBe('a:p:%40')
    expect(render({ template: '{{"key": "{password}"}}' }, { password: 'x' })).toBe('{"key": "x"}')
  })

  it('renders and reads back to the same fields for any password (S0-09)', () => {
    fc.assert(
      fc.property(anyText, anyText, (user, password) => {
        expect(read(dsn, render(dsn, { user, password }))).toEqual({ user, password })
        expect(read({ template: '{password}' }, password)).toEqual({ password })
        expect(render({ template: '{{{password}}}' }, { password })).toBe(`{${password}}`)
        expect(read({ template: '{{{password}}}' }, `{${password}}`)).toEqual({ password })
      }),
    )
  })

  it('refuses to render what could not be taken apart again', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (before, after, password) => {
        const binding = { template: '{user}:{password}' }
        const user = before.replaceAll(':', '') + 'u'
        expect(read(binding, render(binding, { user, password }))).toEqual({ user, password })
        expect(() => render(binding, { user: `${before}:${after}`, password })).toThrow('cannot be taken apart')
      }),
    )
    expect(() => render(dsn, { user: 'a', password: '' })).toThrow('cannot be taken apart')
    expect(() => render(dsn, { user: 'a', password: '\uD800' })).toThrow('no valid Unicode')
  })

  it.each([
    ['another host', 'postgres://atlas:pw@other:5432/atlas?sslmode=require'],
    ['no password', 'postgres://atlas@db:5432/atlas?sslmode=require'],
    ['an empty password', 'postgres://atlas:@db:5432/atlas?sslmode=require'],
    ['a broken percent-encoding', 'postgres://atlas:50%@db:5432/atlas?sslmode=require'],
    ['more after it', 'postgres://atlas:pw@db:5432/atlas?sslmode=require&x=1'],
    ['nothing', ''],
  ])('does not fit a value with %s', (_, value) => {
    expect(read(dsn, value)).toBeUndefined()
  })

  it('reads what a person wrote without encoding it', () => {
    expect(read(dsn, 'postgres://atlas:p@ss!@db:5432/atlas?sslmode=require')).toEqual({ user: 'atlas', password: 'p@ss!' })
  })

  it('with one field twice fits only when both are equal', () => {
    const binding = { template: '{password} {password}' }
    expect(read(binding, 'a a')).toEqual({ password: 'a' })
    expect(read(binding, 'a b')).toBeUndefined()
  })

  it('with a field that the issuer does not have fits nothing', () => {
    expect(read({ template: '{password}' }, 'x', ['value'])).toBeUndefined()
  })
})

describe('a url binding', () => {
  it('replaces user and password and keeps every other byte (S0-09)', () => {
    const current = 'PostgreSQL://old:pw%2f@Db.example:5432,two:5433/at%6Cas?sslmode=require&x=a@b#Frag'
    expect(render(userAndPassword, { user: 'atlas_alt', password: 'n/w' }, current)).toBe(
      'PostgreSQL://atlas_alt:n%2Fw@Db.example:5432,two:5433/at%6Cas?sslmode=require&x=a@b#Frag',
    )
  })

  it('of the password alone keeps the user byte for byte (S0-52)', () => {
    const binding = { url: { password: 'password' } }
    expect(render(binding, { password: 'n' }, 'redis://us%65r:o@cache:6379/6')).toBe('redis://us%65r:n@cache:6379/6')
    expect(render(binding, { password: 'n' }, 'redis://:o@cache:6379/6')).toBe('redis://:n@cache:6379/6')
    expect(read(binding, 'redis://us%65r:o%2f@cache:6379/6')).toEqual({ password: 'o/' })
  })

  it('renders and reads back to the same fields, and all but user and password stays, for any of both (S0-09)', () => {
    fc.assert(
      fc.property(anyText, anyText, fc.webUrl({ withQueryParameters: true, withFragments: true }), (user, password, url) => {
        const rendered = render(userAndPassword, { user, password }, url.replace('://', '://o:o@'))
        expect(read(userAndPassword, rendered)).toEqual({ user, password })
        expect(rendered.replace(/^(https?:\/\/)[^/?#@]*@/, '$1')).toBe(url)
      }),
    )
  })

  it('reads nothing from a value without a password, and says so where there is no URL to change', () => {
    for (const value of ['redis://cache:6379/6', 'redis://user@cache', 'redis://:@cache', 'plain', ''])
      expect(read(userAndPassword, value)).toBeUndefined()
    for (const current of ['plain', '', 'redis://cache:6379/6', 'redis://u:raw/slash@cache/6', undefined]) {
      expect(() => render(userAndPassword, { user: 'a', password: 'b' }, current)).toThrow('there is no URL')
    }
  })
})

it('names the fields that it carries', () => {
  expect(fieldsOfBinding(dsn)).toEqual(['user', 'password'])
  expect(fieldsOfBinding({ url: { password: 'token' } })).toEqual(['token'])
})

it('never shows a value in an error', () => {
  const value = 'v'.repeat(9)
  for (const [binding, current] of [
    [dsn, undefined],
    [userAndPassword, value],
  ] as const) {
    expect(() => render(binding, { user: value, password: '' }, current)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining(value) }),
    )
  }
})
