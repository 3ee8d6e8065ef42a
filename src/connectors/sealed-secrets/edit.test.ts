import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dropKey, putKey } from './edit.ts'
import { readSealedFile, type SealedFile } from './sealed-file.ts'

const NAMED = { namespace: 'atlas', name: 'db' }

/** A SealedSecret with this behind `spec:`. */
const withSpec = (spec: string, end = '\n'): string => ['kind: SealedSecret', 'metadata: {name: db}', `spec:${spec}`].join('\n').replaceAll('\n', end)

function file(text: string): SealedFile {
  const read = readSealedFile(text, NAMED, 'it')
  if (read.is !== 'done') throw new Error(JSON.stringify(read))
  return read.value
}

const put = (text: string, key: string, sealed = 'NEW='): string => putKey(text, file(text).map, key, sealed)
const drop = (text: string, key: string): string => dropKey(text, file(text).map, key)

describe('an edit of a sealed file changes nothing but its key (C-14)', () => {
  it.each([
    ['plain', '\n  encryptedData:\n    a: OLD= # mine\n    b: B=\n', '\n  encryptedData:\n    a: NEW= # mine\n    b: B=\n'],
    ['in double quotes', '\n  encryptedData:\n    "a":   "OLD="\n', '\n  encryptedData:\n    "a":   "NEW="\n'],
    ['in single quotes', "\n  encryptedData: {a: 'OLD=', b: B=}\n", "\n  encryptedData: {a: 'NEW=', b: B=}\n"],
    ['folded over lines', '\n  encryptedData:\n    a: >-\n      OL\n      D=\n    b: B=\n', '\n  encryptedData:\n    a: NEW=\n    b: B=\n'],
    ['at the end of a file without a line end', '\n  encryptedData:\n    a: OLD=', '\n  encryptedData:\n    a: NEW='],
  ])('a value that is written %s', (_, before, after) => {
    expect(put(withSpec(before), 'a')).toBe(withSpec(after))
    expect(put(withSpec(before, '\r\n'), 'a')).toBe(withSpec(after, '\r\n'))
  })

  it.each([
    ['after the others, as they stand', '\n  encryptedData:\n      a: A= # mine\n  template: {}\n', '\n  encryptedData:\n      a: A= # mine\n      new: NEW=\n  template: {}\n'],
    ['at the end of a file without a line end', '\n  encryptedData:\n    a: A=', '\n  encryptedData:\n    a: A=\n    new: NEW='],
    ['in braces', '\n  encryptedData: {a: A=}\n', '\n  encryptedData: {"new": "NEW=", a: A=}\n'],
    ['in empty braces', '\n  encryptedData: {}\n', '\n  encryptedData: { "new": "NEW=" }\n'],
  ])('a new key stands %s', (_, before, after) => {
    expect(put(withSpec(before), 'new')).toBe(withSpec(after))
    if (!before.includes('{}')) expect(drop(put(withSpec(before), 'new'), 'new')).toBe(withSpec(before))
  })

  it('a key that YAML takes for something else stands in quotes, and is found again', () => {
    for (const key of ['true', 'null', '1.5', '-a', '.x']) {
      const next = put(withSpec('\n  encryptedData:\n    a: A=\n'), key)
      expect(file(next).sealed.get(key)).toBe('NEW=')
      expect(put(next, key, 'NEXT=')).toBe(next.replace('NEW=', 'NEXT='))
    }
    expect(file(withSpec('\n  encryptedData:\n    1.5: A=\n')).sealed.get('1.5')).toBe('A=')
  })

  it('a JSON file stays one, line by line', () => {
    const text = JSON.stringify({ kind: 'SealedSecret', metadata: NAMED, spec: { encryptedData: { a: 'A=', b: 'B=' } } }, null, 2)
    const next = put(put(text, 'a'), 'n', 'N=')
    expect(JSON.parse(next)).toMatchObject({ spec: { encryptedData: { n: 'N=', a: 'NEW=', b: 'B=' } } })
    expect(next.split('\n')).toHaveLength(text.split('\n').length + 1)
    expect(JSON.parse(drop(next, 'b'))).toMatchObject({ spec: { encryptedData: { n: 'N=', a: 'NEW=' } } })
    expect(drop(drop(next, 'n'), 'b')).not.toContain('B=')
  })

  it('the last key leaves an empty map', () => {
    expect(file(drop(withSpec('\n  encryptedData:\n    a: A=\n  template: {}\n'), 'a')).sealed.size).toBe(0)
    expect(drop(withSpec('\n  encryptedData:\n    a: A=\n'), 'nothing')).toBe(withSpec('\n  encryptedData:\n    a: A=\n'))
  })

  it('holds for any keys, order and comments', () => {
    const key = fc.stringMatching(/^[a-z][a-z0-9._-]{0,8}$/)
    const sealed = fc.base64String({ minLength: 4, maxLength: 40 })
    fc.assert(fc.property(fc.uniqueArray(fc.tuple(key, sealed, fc.constantFrom('', ' # why')), { minLength: 1, maxLength: 5, selector: ([name]) => name }), key, sealed, (pairs, name, value) => {
      const text = withSpec(`\n  encryptedData:\n${pairs.map(([each, was, comment]) => `    "${each}": "${was}"${comment}\n`).join('')}  template: {}\n`)
      const next = put(text, name, value)
      expect(file(next).sealed).toEqual(new Map([...file(text).sealed, [name, value]]))
      if (!pairs.some(([each]) => each === name)) expect(drop(next, name)).toBe(text)
      else expect(next.split('\n').filter((line) => !line.includes(`"${name}":`))).toEqual(text.split('\n').filter((line) => !line.includes(`"${name}":`)))
    }), { numRuns: 200 })
  })
})

describe('a file that cannot be edited is refused', () => {
  it.each([
    ['no YAML', 'a: b: c'],
    ['another name', 'kind: SealedSecret\nmetadata: {name: other}\nspec: {encryptedData: {}}'],
    ['another namespace', 'kind: SealedSecret\nmetadata: {name: db, namespace: other}\nspec: {encryptedData: {}}'],
    ['twice the same', '---\nkind: SealedSecret\nmetadata: {name: db}\nspec: {encryptedData: {}}\n---\nkind: SealedSecret\nmetadata: {name: db}\nspec: {encryptedData: {}}'],
    ['a key twice', 'kind: SealedSecret\nmetadata: {name: db}\nspec: {encryptedData: {a: A, a: B}}'],
    ['the form of before 0.7', 'kind: SealedSecret\nmetadata: {name: db}\nspec: {data: AAAA}'],
    ['nothing sealed', 'kind: SealedSecret\nmetadata: {name: db}\nspec: {}'],
    ['something else than texts', 'kind: SealedSecret\nmetadata: {name: db}\nspec: {encryptedData: {a: [1]}}'],
  ])('%s', (_, text) => {
    expect(readSealedFile(text, NAMED, 'it')).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
  })

  it('the scope is that of its annotations; keys of templates are known', () => {
    const text = (annotation: string): string => `kind: SealedSecret\nmetadata: {name: db, annotations: {sealedsecrets.bitnami.com/${annotation}: "true"}}\nspec: {encryptedData: {}, template: {data: {url: "x {{ .a }}"}}}`
    expect(['none', 'namespace-wide', 'cluster-wide'].map((each) => file(text(each)).scope)).toEqual(['atlas/db', 'atlas', ''])
    expect(file(text('none'))).toMatchObject({ strict: true, templated: new Set(['url']) })
    expect(file(text('cluster-wide')).strict).toBe(false)
  })
})
