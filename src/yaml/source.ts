import { constructFromEvents, EVENT_ID, parseEvents, YAMLException, type Event } from 'js-yaml'
import type { Problem } from '../kit/index.ts'
import type { Place } from '../manifest/model.ts'
import { layOut, type Flaw, type Spot } from './layout.ts'

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
 * Reads YAML 1.2 with text keys. Changes nothing. `source` is undefined when the syntax leaves nothing to validate; a key that is
 * there twice is a problem and the rest can still be validated.
 */
export async function readSource(text: string, file: string): Promise<{ readonly source?: Source; readonly problems: readonly Problem[] }> {
  const place = placesIn(text, file)
  const read = parse(text)
  if ('broken' in read) {
    const { explainSyntax } = await import('./syntax.ts')
    return { problems: [explainSyntax(text, read.broken, place)] }
  }
  const { root, flaws } = layOut(read.events, text)
  const problems = flaws.map((flaw) => problemOf(flaw, place))
  if (flaws.some(({ kind }) => kind !== 'twice')) return { problems }
  const find = (path: Path): { readonly key: Place; readonly value: Place } => locate(root, path, place)
  return { source: { value: read.value, key: (path) => find(path).key, at: (path) => find(path).value }, problems }
}

/** The events of one document and the value that they make; `broken` is the offset at which the text is no such thing. */
function parse(text: string): { readonly events: readonly Event[]; readonly value: unknown } | { readonly broken: number } {
  try {
    const events = parseEvents(text, {})
    const second = events.findIndex(({ type }, at) => at > 0 && type === EVENT_ID.DOCUMENT)
    if (second > 0) return { broken: text.length }
    // Of a key that is there twice the last one is taken; the layout tells of it.
    return { events, value: constructFromEvents(events, { source: text, json: true })[0] ?? null }
  } catch (thrown) {
    if (thrown instanceof YAMLException) return { broken: thrown.mark?.position ?? 0 }
    throw thrown
  }
}

function problemOf({ kind, offset, key = '' }: Flaw, place: (offset: number) => Place): Problem {
  const at = place(offset)
  if (kind === 'twice') return { place: at, what: `${/^[\w.-]+$/.test(key) ? `\`${key}\`` : 'the key'} is there twice`, write: 'it once' }
  if (kind === 'no-text') return { place: at, what: 'a key is no text', write: 'it in quotes' }
  if (kind === 'endless') return { place: at, what: 'the alias is inside of what it stands for', write: 'the value itself' }
  return { place: at, what: 'aliases multiply beyond reason', write: 'the values themselves' }
}

/** Turns offsets into places, without going through a long text each time. */
function placesIn(text: string, file: string): (offset: number) => Place {
  const starts = [0]
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1)
  return (offset) => {
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}

function locate(root: Spot, path: Path, place: (offset: number) => Place): { readonly key: Place; readonly value: Place } {
  let spot = root
  let [key, value] = [0, 0]
  for (const segment of path) {
    const pair = spot.pairs?.get(String(segment))
    const next = pair?.value ?? (typeof segment === 'number' ? spot.items?.[segment] : undefined)
    if (next === undefined) return { key: place(key), value: place(key) }
    key = pair?.key ?? next.start ?? key
    value = next.start ?? key
    spot = next
  }
  return { key: place(key), value: place(value) }
}
