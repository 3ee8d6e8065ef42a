import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret } from '../kit/index.ts'
import { readBinding } from '../manifest/binding.ts'
import { misfitOf } from './misfit.ts'
import type { Binding } from '../manifest/model.ts'

const dsn: Binding = { template: 'postgres://{user}:{password}@db:5432/atlas' }
const both: Binding = { url: { user: 'login', password: 'token' } }
const names = ['user', 'password', 'login', 'token']

/** What is said of a value that does not fit. */
function misfit(binding: Binding, value: string): string {
  expect(readBinding(binding, new Secret(value), names)).toBeUndefined()
  return misfitOf(binding, new Secret(value))
}

describe('what does not fit a template', () => {
  it.each([
    [dsn, 'mysql://app:pw@db:5432/atlas', 'the text before {user} is another one'],
    [dsn, '', 'the text before {user} is another one'],
    [dsn, 'postgres://app@db:5432/atlas', 'the end after {password} is another one'],
    [dsn, 'postgres://app', 'the text between {user} and {password} is another one'],
    [dsn, 'postgres://app:pw@other:5432/atlas', 'the end after {password} is another one'],
    [dsn, 'postgres://app:pw@db:5432/atlas?x=1', 'the end after {password} is another one'],
    [dsn, 'postgres://app:raw/slash@db:5432/atlas', 'the end after {password} is another one'],
    [dsn, 'postgres://app:@db:5432/atlas', '{password} is empty'],
    [dsn, 'postgres://:pw@db:5432/atlas', '{user} is empty'],
    [dsn, 'postgres://app:50%@db:5432/atlas', '{password} is not percent-encoded as in a URL'],
    [{ template: 'redis://cache/{password}' }, 'redis://cache/a/b', '{password} has a character that stands percent-encoded in a URL'],
    [{ template: '{password}' }, '', '{password} is empty'],
    [{ template: '{password} {password}' }, 'a b', '{password} is there more than once, with different values'],
    [{ template: '{user}:{password}.' }, 'app:pw', 'the end after {password} is another one'],
    [{ template: 'x{nobody}' }, 'xy', 'it has a field that the issuer does not have'],
  ] as const)('%j: %s', (binding, value, says) => {
    expect(misfit(binding, value)).toBe(says)
  })
})

describe('what does not fit a URL binding', () => {
  it.each([
    [both, 'plain', 'it is no URL'],
    [both, 'redis://cache:6379/6', 'the URL has no user and password before an @'],
    [both, 'redis://app:raw/slash@cache', 'the URL has no user and password before an @'],
    [both, 'redis://app@cache', 'the URL has no password'],
    [both, 'redis://app:@cache', '{token} is empty'],
    [both, 'redis://:pw@cache', '{login} is empty'],
    [both, 'redis://app:50%@cache', '{token} is not percent-encoded as in a URL'],
    [{ url: { password: 'token' } }, 'redis://50%:pw@cache', 'the user of the URL is not percent-encoded as in a URL'],
    [{ url: { password: 'token' } }, 'redis://:@cache', '{token} is empty'],
  ] as const)('%j: %s', (binding, value, says) => {
    expect(misfit(binding, value)).toBe(says)
  })
})

it('is said of every value that does not fit, and shows nothing of it (I11)', () => {
  const anyValue = fc.oneof(fc.string(), fc.webUrl(), fc.string().map((text) => `postgres://app:${text}@db:5432/atlas`), fc.string().map((text) => `x://${text}@h`))
  fc.assert(
    fc.property(anyValue, (value) => {
      for (const binding of [dsn, both, { url: { password: 'token' } }, { template: 'key={password};' }]) {
        if (readBinding(binding, new Secret(value), names) !== undefined) continue
        expect(misfitOf(binding, new Secret(value))).toMatch(
          /^(it is no URL|the URL has no (user and password before an @|password)|the user of the URL is not percent-encoded as in a URL|(the text before \{user\}|the text before \{password\}|the text between \{user\} and \{password\}|the end after \{password\}) is another one|\{(user|password|login|token)\} (is empty|is not percent-encoded as in a URL))$/,
        )
      }
    }),
    { numRuns: 2_000 },
  )
})
