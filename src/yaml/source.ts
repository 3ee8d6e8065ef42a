import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml'
import type { Problem } from '../kit/index.ts'
import type { Place } from '../manifest/model.ts'
import { syntaxProblem } from './syntax.ts'

/** The way to a value: keys of maps and indexes of lists. */
export type Path = readonly (string | number)[]

/** A YAML text as plain data whose every value can be placed. */
export interface Source {
  readonly value: unknown
  /** Where the key (or the list item) at this path starts; of what is not there, the nearest that would hold it. */
  key(path: Path): Place
  /** Where the value at this path starts; of an empty one, its key. */
  at(path: Path): Place
}

/**
 * Reads YAML 1.2 with text keys. Pure. `source` is undefined when the syntax leaves nothing to validate; a key that is there
 * twice is a problem and the rest can still be validated.
 */
export function readSource(text: string, file: string): { readonly source?: Source; readonly problems: readonly Problem[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line, column: col }
  }
  const twice = document.errors.filter((error) => error.code === 'DUPLICATE_KEY')
  // After the first syntax error the others are its echo.
  const broken = document.errors.filter((error) => error.code !== 'DUPLICATE_KEY').slice(0, 1)
  const problems = [...twice, ...broken, ...document.warnings].map((error) => syntaxProblem(error, text, place))
  // Without a star there is no alias, and a long manifest is not gone through for one.
  if (text.includes('*')) {
    visit(document, {
      Alias: (_, alias) => {
        if (alias.resolve(document) !== undefined) return
        problems.push({ place: place(alias.range?.[0] ?? 0), what: 'the alias has no anchor before it', write: 'the value itself' })
      },
    })
  }
  if (problems.length > twice.length) return { problems }
  const start = { file, line: 1, column: 1 }
  const pairs = pairsByKey()
  const locate = (path: Path): { readonly key: Place; readonly value: Place } => find(document, pairs, path, start, place)
  const value = plain(document)
  if (value === undefined) {
    return { problems: [...problems, { place: start, what: 'aliases multiply beyond reason', write: 'the values themselves' }] }
  }
  return { source: { value, key: (path) => locate(path).key, at: (path) => locate(path).value }, problems }
}

/** Finds pairs by key without going through a long map each time. */
function pairsByKey(): (map: YAMLMap, key: string) => Pair | undefined {
  const indexes = new Map<YAMLMap, Map<string, Pair>>()
  return (map, key) => {
    const known =
      indexes.get(map) ?? new Map(map.items.flatMap((pair) => (isScalar(pair.key) ? [[String(pair.key.value), pair]] : [])))
    indexes.set(map, known)
    return known.get(key)
  }
}

function find(
  document: Document,
  pairs: (map: YAMLMap, key: string) => Pair | undefined,
  path: Path,
  start: Place,
  place: (offset: number) => Place,
): { key: Place; value: Place } {
  let node: unknown = document.contents
  let found = { key: start, value: start }
  for (const segment of path) {
    const resolved: unknown = isAlias(node) ? node.resolve(document) : node
    if (isMap(resolved)) {
      const pair = pairs(resolved, String(segment))
      if (pair === undefined || !isNode(pair.key)) return { key: found.key, value: found.key }
      const key = placeOf(pair.key, found.key, place)
      found = { key, value: isNode(pair.value) ? placeOf(pair.value, key, place) : key }
      node = pair.value
    } else if (isSeq(resolved) && typeof segment === 'number' && isNode(resolved.items[segment])) {
      const item = placeOf(resolved.items[segment], found.key, place)
      found = { key: item, value: item }
      node = resolved.items[segment]
    } else {
      return { key: found.key, value: found.key }
    }
  }
  return found
}

function placeOf(node: Node, otherwise: Place, place: (offset: number) => Place): Place {
  const empty = isScalar(node) && node.value === null && (node.source ?? '') === ''
  return empty || !node.range ? otherwise : place(node.range[0])
}

function plain(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? null
  } catch {
    return undefined
  }
}
