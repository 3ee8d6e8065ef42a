import type { z } from 'zod'
import { suggest } from './nearest.ts'
import { describedAt, keysAt, type Shape } from './shape.ts'
import type { Path } from './source.ts'

type Issue = z.core.$ZodIssue

/** What is wrong at a path of the data that was validated, and what to write instead. Quotes keys, never values. */
export interface Explanation {
  readonly path: Path
  readonly on: 'key' | 'value'
  readonly what: string
  readonly write: string
}

const types: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  object: 'a map',
  record: 'a map',
  array: 'a list',
  null: 'nothing',
}

/**
 * Puts an issue of zod into words. Of a union that fits nowhere, the alternative that comes nearest is explained. `more` are
 * keys that the place takes beside those of the schema, for suggestions; `root` is the name of the whole value.
 */
export function explain(issue: Issue, value: unknown, shape: Shape, root: string, more: readonly string[] = []): Explanation[] {
  const path = issue.path.map((segment) => (typeof segment === 'symbol' ? String(segment) : segment))
  const name = path.length === 0 ? root : nameOf(path)
  const about = describedAt(shape, path)
  if (issue.code === 'unrecognized_keys') {
    const keys = [...new Set([...keysAt(shape, path), ...(path.length === 0 ? more : [])])].filter(
      (key) => !issue.keys.includes(key),
    )
    return issue.keys.map((key) => ({
      path: [...path, key],
      on: 'key',
      what: `\`${key}\` is not a key that is known here`,
      write: suggest(key, keys),
    }))
  }
  const given = valueAt(value, path)
  if (given === undefined && path.length > 0) {
    const words = 'values' in issue && issue.values.length === 1 ? String(issue.values[0]) : '...'
    return [
      {
        path,
        on: 'key',
        what: `${name} is missing`,
        write: `\`${path.at(-1)}: ${words}\`${about === undefined ? '' : ` (${about})`}`,
      },
    ]
  }
  if (issue.code === 'invalid_union') return explainUnion(issue, path, value, shape, name)
  if (issue.code === 'invalid_key' || issue.code === 'invalid_element') {
    return [{ path, on: 'key', what: `${name} does not fit as a key`, write: issue.issues[0]?.message ?? 'another one' }]
  }
  const at = { path, on: 'value' } as const
  if (issue.code === 'invalid_type')
    return [{ ...at, what: `${name} is ${typeOf(given)}`, write: expected([issue.expected], given) }]
  if (issue.code === 'invalid_value') {
    const words = issue.values.map(String)
    return [
      { ...at, what: `${name} has a value that is not known`, write: suggest(typeof given === 'string' ? given : '', words) },
    ]
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    if (issue.code === 'too_small' && Array.isArray(given) && given.length === 0) {
      return [{ ...at, what: `${name} is empty`, write: 'one entry at least' }]
    }
    const bound = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`
    const unit = Array.isArray(given) ? ' in the list' : typeof given === 'string' ? ' characters' : ''
    return [{ ...at, what: `${name} is ${issue.code === 'too_small' ? 'too small' : 'too big'}`, write: `${bound}${unit}` }]
  }
  const own = issue.message.startsWith('Invalid') ? undefined : issue.message
  return [{ ...at, what: `${name} does not fit`, write: own ?? about ?? 'what docs/connectors.md says' }]
}

function explainUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  value: unknown,
  shape: Shape,
  name: string,
): Explanation[] {
  const given = valueAt(value, path)
  const at = { path, on: 'value', what: `${name} does not fit` } as const
  if (issue.errors.length === 0) {
    const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : []
    return [
      {
        ...at,
        write:
          options.length > 0 ? suggest(typeof given === 'string' ? given : '', options) : (describedAt(shape, path) ?? 'another'),
      },
    ]
  }
  const near = issue.errors.filter((branch) => !branch.some(isElsewhere))
  const best = near.toSorted((a, b) => a.length - b.length)[0]
  if (best === undefined) {
    const wanted = issue.errors.flatMap((branch) =>
      branch.flatMap((each) => ('expected' in each && each.path.length === 0 ? [each.expected] : [])),
    )
    return [{ ...at, what: `${name} is ${typeOf(given)}`, write: expected(wanted, given) }]
  }
  const words = near.flatMap((branch) =>
    branch.flatMap((each) => ('values' in each && each.path.length === 0 ? each.values.map(String) : [])),
  )
  const formats = near.flatMap((branch) => branch.flatMap((each) => (each.code === 'invalid_format' ? [each.message] : [])))
  if (words.length > 0) {
    return [{ ...at, write: [...formats, suggest(typeof given === 'string' ? given : '', words)].join(', or ') }]
  }
  return best.flatMap((each) => explain({ ...each, path: [...path, ...each.path] }, value, shape, name))
}

/** The alternative is of another type altogether. */
function isElsewhere(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0
}

function expected(wanted: readonly string[], given: unknown): string {
  const quoted = typeof given === 'number' || typeof given === 'boolean' ? ' in quotes' : ''
  return [...new Set(wanted.map((each) => (types[each] ?? `a ${each}`) + (each === 'string' ? quoted : '')))].join(' or ')
}

/** What kind of thing this is, in the words of YAML. */
export function typeOf(given: unknown): string {
  if (given === null || given === undefined) return 'empty'
  if (Array.isArray(given)) return 'a list'
  if (typeof given === 'boolean') return '`true` or `false`'
  return types[typeof given] ?? 'something else'
}

/** How a message names what is at a path. */
export function nameOf(path: Path): string {
  const last = path.at(-1)
  if (last === undefined) return 'this'
  return typeof last === 'number' ? `item ${last + 1}` : `\`${last}\``
}

/** The value at a path of plain data; undefined when there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value
  for (const segment of path) {
    if (found === null || typeof found !== 'object' || !Object.hasOwn(found, segment)) return undefined
    found = Reflect.get(found, segment)
  }
  return found
}
