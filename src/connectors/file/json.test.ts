import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Answer } from '../../kit/answer.ts'
import { jsonFormat } from './json.ts'
import { namesOf, pointerTo } from './pointer.ts'

function put(text: string, key: string, value: string | null): string {
  const answer = jsonFormat.put(Buffer.from(text), key, value)
  return answer.is === 'done' ? answer.value.toString() : whyOf(answer)
}

function read(text: string, key: string): string | undefined {
  const answer = jsonFormat.read(Buffer.from(text), [key])
  return answer.is === 'done' ? answer.value.get(key) : whyOf(answer)
}

function whyOf(answer: Answer<unknown>): string {
  return answer.is === 'refused' ? `${answer.code} ${answer.about ?? ''}` : answer.is
}

describe('a string in JSON is put in its own token', () => {
  it.each([
    ['{"a":"old"}', '{"a":"new"}'],
    ['{ "b" : [1 ,2],\t"a"  :  "old" , "c":1.50e1 }\n\n', '{ "b" : [1 ,2],\t"a"  :  "new" , "c":1.50e1 }\n\n'],
    ['{\r\n  "x": "\\u00e9\\/",\r\n  "a": "old"\r\n}\r\n', '{\r\n  "x": "\\u00e9\\/",\r\n  "a": "new"\r\n}\r\n'],
    ['\ufeff{"a": "old", "z": 12345678901234567890}', '\ufeff{"a": "new", "z": 12345678901234567890}'],
    ['{"z": 1, "a": "\\u006fld", "b": {"a": "old"}}', '{"z": 1, "a": "new", "b": {"a": "old"}}'],
    ['{"ab": "old", "\\u0061": "old", "ba": "a"}', '{"ab": "old", "\\u0061": "new", "ba": "a"}'],
  ])('%j', (before, after) => {
    expect(put(before, '/a', 'new')).toBe(after)
  })

  it('wherever a pointer or a path leads, in objects and in lists', () => {
    const text = '{"db": {"pass/word": "1", "~": "2", "": "3"}, "list": ["x", {"k": "4"}], "a.b": "5"}'
    const keys = ['/db/pass~1word', '/db/~0', '/db/', '/list/1/k', 'list.1.k', '/a.b', 'list.0', 'a.b', '/list/01', '/list/-', '/list/2']
    expect(keys.map((key) => read(text, key))).toEqual(['1', '2', '3', '4', '4', '5', 'x', undefined, undefined, undefined, undefined])
    expect(put(text, 'list.1.k', 'new')).toBe(text.replace('"4"', '"new"'))
  })

  it('with escapes where JSON needs them; a file that is all ASCII stays so', () => {
    expect(put('{"a": "old"}', '/a', 'é"\\\n\u007f😀')).toBe('{"a": "\\u00e9\\"\\\\\\n\\u007f\\ud83d\\ude00"}')
    expect(put('{"a": "old", "b": "ü"}', '/a', 'é')).toBe('{"a": "é", "b": "ü"}')
  })
})

describe('a new member is written like its neighbour, and goes without a trace', () => {
  it.each([
    ['{}', '{"n": "new"}'],
    ['{ }', '{"n": "new" }'],
    ['{"a":1}', '{"a":1,"n":"new"}'],
    ['{ "a": 1 }', '{ "a": 1, "n": "new" }'],
    ['{\r\n\t"a": 1,\r\n\t"b": {"x": [","]}\r\n}\r\n', '{\r\n\t"a": 1,\r\n\t"b": {"x": [","]},\r\n\t"n": "new"\r\n}\r\n'],
  ])('%j', (before, after) => {
    expect(put(before, '/n', 'new')).toBe(after)
    expect(put(after, '/n', null)).toBe(before)
  })

  it('is taken away from the beginning and the middle too', () => {
    expect(put('{\n  "n": "x",\n  "a": 1\n}', '/n', null)).toBe('{\n  "a": 1\n}')
    expect(put('{"a": 1, "n": "x", "b": 2}', '/n', null)).toBe('{"a": 1, "b": 2}')
    expect(put('{"a": 1}', '/n', null)).toBe('{"a": 1}')
  })
})

describe('what cannot be meant is refused', () => {
  it.each([
    ['{"a": "1", "a": "2"}', '/a', '/a is there 2 times, and readers differ in which they take'],
    ['{"o": {"a": "1"}, "o": {"a": "2"}}', '/o/a', '/o is there 2 times, and readers differ in which they take'],
    ['{"a": "1", "\\u0061": "2"}', '/a', '/a is there 2 times, and readers differ in which they take'],
    ['{"a": 5}', '/a', '/a is no string but: number'],
    ['{"a": null}', '/a', '/a is no string but: null'],
    ['{"a": {}}', '/a', '/a is no string but: object'],
    ['{"a": "text"}', '/a/b', '/a is no object but: string'],
    ['"a"', '/a', 'the document is no object but: string'],
    ['{"a": "1",}', '/a', 'it is no JSON document'],
    ['{"a": "1"} // note', '/a', 'it is no JSON document'],
    ["{'a': '1'}", '/a', 'it is no JSON document'],
    ['{"a": "1"', '/a', 'it is no JSON document'],
    ['', '/a', 'it is no JSON document'],
  ])('%j at %s', (text, key, why) => {
    expect(read(text, key)).toBe(`STORE_UNFIT ${why}`)
    expect(put(text, key, 'new')).toBe(`STORE_UNFIT ${why}`)
  })

  it('a duplicate of another key is not ours to mind', () => {
    expect(put('{"b": 1, "b": 2, "a": "old"}', '/a', 'new')).toBe('{"b": 1, "b": 2, "a": "new"}')
  })

  it('a key without an object to be in, and an item of a list that would move others', () => {
    expect(put('{"a": {}}', '/a/b/c', 'new')).toBe('STORE_UNFIT there is no object that could hold /a/b/c')
    expect(put('{"a": []}', '/a/0', 'new')).toBe('STORE_UNFIT there is no object that could hold /a/0')
    expect(put('{"a": ["x", "y"]}', '/a/0', null)).toBe('STORE_UNFIT /a/0 is an item of a list: others would take its place')
  })

  it('bytes that are no UTF-8, and a document too deep to be read', () => {
    expect(whyOf(jsonFormat.read(Buffer.from([0x22, 0xff, 0x22]), []))).toBe('STORE_UNFIT it is no UTF-8 text')
    expect(whyOf(jsonFormat.read(Buffer.from('['.repeat(200_000) + ']'.repeat(200_000)), []))).toBe('STORE_UNFIT it is no JSON document')
  })

  it('a key that is neither pointer nor path', () => {
    expect(['/a~2', '/~', 'a..b', '.a', 'a.'].map(namesOf)).toEqual([undefined, undefined, undefined, undefined, undefined])
    expect(['/a~01', '/', 'a.b', '/db/x~1y'].map((key) => pointerTo(namesOf(key) ?? []))).toEqual(['/a~01', '/', '/a/b', '/db/x~1y'])
  })
})

it('in any document what was put is what is read, and nothing else changed', () => {
  const document = fc.dictionary(fc.string({ maxLength: 6 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 5, noNullPrototype: true })
  const cases = fc.record({ document, name: fc.string({ maxLength: 6 }), value: fc.string({ unit: 'grapheme' }), indent: fc.constantFrom('', ' ', '\t') })
  const law = fc.property(cases, ({ document: before, name, value, indent }) => {
    const given = JSON.stringify({ ...before, [name]: 'old' }, null, indent)
    const key = pointerTo([name])
    const after = put(given, key, value)
    const same = isDeepStrictEqual(JSON.parse(after), JSON.parse(JSON.stringify({ ...before, [name]: value })))
    const without = put(given, key, null)
    return same && read(after, key) === value && put(after, key, 'old') === given && isDeepStrictEqual(put(put(without, key, 'old'), key, null), without)
  })
  expect(fc.check(law, { numRuns: 500 }).counterexample).toBeNull()
})
