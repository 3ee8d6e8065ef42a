import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isMap, isScalar, isSeq, LineCounter, parseDocument, stringify, type Node } from 'yaml'
import { readSource, type Path } from './source.ts'

async function read(text: string) {
  const { source, problems } = await readSource(text, 'k.yaml')
  return { source, said: problems.map(({ place, what }) => `${place.line}:${place.column} ${what}`) }
}

const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.constantFrom('', ' ', '~', 'null', 'true', '1.0', '0x1F', '<<', '- a', 'a: b', '# no', '${env:A}', '{password}', 'two\nlines\n', 'x #y', "it's", '@at', '`tick', '1_000', '2026-11-21', 'yes', '.inf'),
)
const data = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, texts, fc.integer(), fc.double({ noDefaultInfinity: true, noNaN: true }), fc.boolean(), fc.constant(null), tie('list'), tie('map')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  map: fc.dictionary(fc.stringMatching(/^[a-z][\w-]{0,8}$/), tie('value'), { maxKeys: 4 }),
})).map

/** The places of every value, as the other library has them. */
function placesOf(text: string): ReadonlyMap<string, string> {
  const lines = new LineCounter()
  const found = new Map<string, string>()
  const add = (path: Path, node: unknown): void => {
    if (isMap(node)) for (const pair of node.items) add([...path, String((pair.key as { readonly value: unknown }).value)], pair.value)
    if (isSeq(node)) for (const [at, item] of node.items.entries()) add([...path, at], item)
    const { range } = node as Node
    if (range && !(isScalar(node) && node.source === '')) found.set(JSON.stringify(path), `${lines.linePos(range[0]).line}:${lines.linePos(range[0]).col}`)
  }
  add([], parseDocument(text, { lineCounter: lines, stringKeys: true }).contents)
  return found
}

describe('a YAML text', () => {
  it('is read, and its values are placed, as another library does it', async () => {
    const styles = fc.record({ indent: fc.constantFrom(2, 4), collectionStyle: fc.constantFrom('any', 'block', 'flow'), defaultStringType: fc.constantFrom('PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE', 'BLOCK_LITERAL') } as const)
    await fc.assert(fc.asyncProperty(data, styles, fc.boolean(), async (value, style, crlf) => {
      const written = stringify(value, style)
      const text = crlf && !/[|>]/.test(written) ? written.replaceAll('\n', '\r\n') : written
      const { source, said } = await read(text)
      expect(said).toEqual([])
      expect(source?.value).toEqual(parseDocument(text, { stringKeys: true }).toJS())
      for (const [path, place] of placesOf(text)) {
        const at = source?.at(JSON.parse(path) as Path)
        expect(`${path} ${at?.line}:${at?.column}`).toBe(`${path} ${place}`)
      }
    }), { numRuns: 300 })
  })

  it('that both libraries refuse is explained, at whatever place it is broken', async () => {
    await fc.assert(fc.asyncProperty(data, fc.nat(400), fc.constantFrom('{', '"', '\t', ': ', '}', '*x', '!y ', '- ', '&', '\n---\n', '@'), async (value, offset, piece) => {
      const written = stringify(value)
      const at = offset % (written.length + 1)
      const text = written.slice(0, at) + piece + written.slice(at)
      const { source, said } = await read(text)
      expect(source === undefined).toBe(said.some((line) => !line.endsWith('is there twice')))
    }), { numRuns: 300 })
  })

  it.each([
    ['a number', '8080: a\n', { 8080: 'a' }],
    ['true', 'true: a\n', { true: 'a' }],
    ['in quotes', '"0x10": a\n', { '0x10': 'a' }],
    ['<<', '<<: a\n', { '<<': 'a' }],
    ['with a tag on its value', 'a: !!str 5\n', { a: '5' }],
  ])('may have a key that is %s', async (_, text, value) => {
    expect((await read(text)).source?.value).toEqual(value)
  })

  it.each([
    ['a number that is written in another way', 'a: 1\n0x10: b\n', ['2:1 a key is no text']],
    ['nothing', '~: b\n', ['1:1 a key is no text']],
    ['a list', 'a: 1\n? [b]\n: c\n', ['2:3 a key is no text']],
    ['an alias inside of what it stands for', 'a: &x\n  b: *x\n', ['2:6 the alias is inside of what it stands for']],
    ['aliases of aliases of aliases', `a: &a [1,1,1,1,1,1,1,1]\n${['b', 'c', 'd', 'e', 'f'].map((name, at) => `${name}: &${name} [${`*${'abcde'[at]},`.repeat(8)}]\n`).join('')}`, ['1:1 aliases multiply beyond reason']],
    ['a key three times', 'a: 1\nb: { c: 1, c: 2 }\na: 2\na: 3\n', ['2:12 `c` is there twice', '3:1 `a` is there twice', '4:1 `a` is there twice']],
    ['a key twice that is no word', '"a b": 1\na b: 2\n', ['2:1 the key is there twice']],
  ])('may not have %s (X-15)', async (_, text, problems) => {
    expect((await read(text)).said).toEqual(problems)
  })

  it('takes the values of an alias where the alias stands', async () => {
    const { source } = await read('a: &x\n  b: 1\nc: *x\n')
    expect(source?.value).toEqual({ a: { b: 1 }, c: { b: 1 } })
    expect([source?.at(['c']), source?.at(['c', 'b'])].map((place) => `${place?.line}:${place?.column}`)).toEqual(['3:4', '2:6'])
  })

  it('has the place of a block at its sign, and of what is not there at the nearest that would hold it', async () => {
    const { source } = await read('a:\n  b: >-\n    long\n    text\n  c:\n')
    const said = [['a', 'b'], ['a', 'c'], ['a', 'd', 'e'], ['f']].map((path) => source?.at(path)).map((place) => `${place?.line}:${place?.column}`)
    expect(said).toEqual(['2:6', '5:3', '1:1', '1:1'])
  })
})
