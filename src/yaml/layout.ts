import { boolCoreTag, EVENT_ID, floatCoreTag, getScalarValue, intCoreTag, NOT_RESOLVED, nullCoreTag, SCALAR_STYLE, type Event, type ScalarEvent } from 'js-yaml'

/** Where a value starts in the text, and what is in it. Offsets count characters from 0. */
export interface Spot {
  /** Undefined when nothing is written there: `key:`. */
  readonly start: number | undefined
  /** Of a map: by the text of the key. Of a key that is there twice the last one counts. */
  readonly pairs?: ReadonlyMap<string, { readonly key: number; readonly value: Spot }>
  /** Of a list. */
  readonly items?: readonly Spot[]
}

/** What is wrong with a text that has the syntax of YAML. */
export interface Flaw {
  readonly kind: 'twice' | 'no-text' | 'endless' | 'too-many'
  readonly offset: number
  /** Of a key that is there twice. */
  readonly key?: string
}

/** So many values may come in by aliases, beside those that are written. */
const BY_ALIAS = 10_000

/** The layout of one document, from the events of its parser, and its flaws in their order. Pure. */
export function layOut(events: readonly Event[], text: string): { readonly root: Spot; readonly flaws: readonly Flaw[] } {
  const flaws: Flaw[] = []
  const anchors = new Map<string, { readonly spot: Spot; readonly size: number }>()
  let at = events[0]?.type === EVENT_ID.DOCUMENT ? 1 : 0
  let [size, aliased] = [0, 0]

  function value(): Spot {
    const event = events[at]
    at += 1
    if (event === undefined || event.type === EVENT_ID.POP || event.type === EVENT_ID.DOCUMENT) return { start: undefined }
    const before = size
    size += 1
    if (event.type === EVENT_ID.ALIAS) return alias(event.anchorStart, event.anchorEnd)
    const spot = event.type === EVENT_ID.SCALAR ? { start: startOf(event, text) } : event.type === EVENT_ID.MAPPING ? map(event.start) : list(event.start)
    if (event.anchorStart >= 0) anchors.set(text.slice(event.anchorStart, event.anchorEnd), { spot, size: size - before })
    return spot
  }

  function alias(from: number, to: number): Spot {
    const known = anchors.get(text.slice(from, to))
    const start = from - 1
    // The parser has seen an anchor of that name: it is one that is still open.
    if (known === undefined) flaws.push({ kind: 'endless', offset: start })
    size += known?.size ?? 0
    aliased += known?.size ?? 0
    return { ...known?.spot, start }
  }

  function map(start: number): Spot {
    const pairs = new Map<string, { key: number; value: Spot }>()
    while (events[at]?.type !== EVENT_ID.POP) {
      const event = events[at]
      const key = value().start ?? start
      const name = event?.type === EVENT_ID.SCALAR ? getScalarValue(text, event) : undefined
      if (name === undefined || (event?.type === EVENT_ID.SCALAR && event.style === SCALAR_STYLE.PLAIN && readsOtherwise(name))) flaws.push({ kind: 'no-text', offset: key })
      else if (pairs.has(name)) flaws.push({ kind: 'twice', offset: key, key: name })
      pairs.set(name ?? '', { key, value: value() })
    }
    at += 1
    return { start, pairs }
  }

  function list(start: number): Spot {
    const items: Spot[] = []
    while (events[at]?.type !== EVENT_ID.POP) items.push(value())
    at += 1
    return { start, items }
  }

  const root = value()
  if (aliased > BY_ALIAS) flaws.push({ kind: 'too-many', offset: 0 })
  return { root, flaws: flaws.toSorted((one, other) => one.offset - other.offset) }
}

/** Where it is written, its quote or its `|` included. */
function startOf({ valueStart, style }: ScalarEvent, text: string): number | undefined {
  if (valueStart < 0) return undefined
  if (style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED) return valueStart - 1
  if (style === SCALAR_STYLE.PLAIN) return valueStart
  return text.lastIndexOf(style === SCALAR_STYLE.LITERAL_BLOCK ? '|' : '>', valueStart - 1)
}

/** A key is a text; `8080` and `true` are theirs, but `0x10` would be 16 and `~` would be null. */
function readsOtherwise(name: string): boolean {
  const tags = [nullCoreTag, boolCoreTag, intCoreTag, floatCoreTag]
  const read = tags.map((tag) => tag.resolve(name, false, tag.tagName)).find((each) => each !== NOT_RESOLVED)
  return read !== undefined && String(read) !== name
}
