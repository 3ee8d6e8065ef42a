import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments, type Document, type Node } from 'yaml'

/** The way to a value: keys of maps and indexes of lists. */
export type Path = readonly (string | number)[]

/** One document of a YAML file, as plain data. */
export interface YamlDocument {
  readonly value: unknown
  /** The line of what is at this path, 1-based; of what is not there itself (merged in by `<<`), the nearest that holds it. */
  lineOf(path: Path): number
}

/** The documents of a YAML file, or the line from which it is none. */
export type YamlFile = { readonly documents: readonly YamlDocument[] } | { readonly brokenAt: number }

/** Reads YAML of others: many documents, merge keys, unknown tags. The text is never part of what is answered as broken. Pure. */
export function readDocuments(text: string): YamlFile {
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter: lines, merge: true, uniqueKeys: false, prettyErrors: false, logLevel: 'silent' })
  const documents: YamlDocument[] = []
  for (const document of 'empty' in parsed ? [] : parsed) {
    const [error] = document.errors
    if (error !== undefined) return { brokenAt: lines.linePos(error.pos[0]).line }
    const start = lines.linePos(document.contents?.range?.[0] ?? document.range[0]).line
    try {
      documents.push({ value: document.toJS({ maxAliasCount: 100 }) as unknown, lineOf: (path) => lineAt(document, path, lines) ?? start })
    } catch {
      // Aliases that multiply without end, or that lead nowhere.
      return { brokenAt: start }
    }
  }
  return { documents }
}

function lineAt(document: Document, path: Path, lines: LineCounter): number | undefined {
  let node: unknown = document.contents
  let line: number | undefined
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find((each) => isScalar(each.key) && String(each.key.value) === String(segment))
      if (pair === undefined || !isNode(pair.key)) return line
      line = lineOfNode(pair.key, lines) ?? line
      node = pair.value
    } else if (isSeq(node) && typeof segment === 'number') {
      const item = node.items[segment]
      if (!isNode(item)) return line
      line = lineOfNode(item, lines) ?? line
      node = item
    } else {
      return line
    }
  }
  return line
}

function lineOfNode(node: Node, lines: LineCounter): number | undefined {
  return node.range ? lines.linePos(node.range[0]).line : undefined
}

/** What is under a key of a map that was read; undefined when it is no map or has no such key. */
export function under(value: unknown, key: string): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || !Object.hasOwn(value, key)) return undefined
  return Reflect.get(value, key)
}

/** The entries of a map that was read, those whose keys are names; none when it is no map. */
export function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return value === null || typeof value !== 'object' || Array.isArray(value) ? [] : Object.entries(value).filter(([key]) => nameIn(key) !== undefined)
}

/** The items of a list that was read; none when it is no list. */
export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** A text that was read; undefined when it is none. Numbers and booleans are texts, too: `PORT: 80`. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** A name that was read: of a service, an object, a key. Undefined for what is none, such as text that would steer a terminal. */
export function nameIn(value: unknown): string | undefined {
  const text = textOf(value)
  return text !== undefined && /^[\w.-]{1,253}$/.test(text) ? text : undefined
}
