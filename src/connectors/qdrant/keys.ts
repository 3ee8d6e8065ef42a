/** The places for keys in a configuration of Qdrant. */
export type Place = 'api_key' | 'alt_api_key' | 'read_only_api_key'

/** The keys in a file; a place that is absent or empty holds none, as the server sees it. */
export type Keys = Readonly<Partial<Record<Place, string>>>

export type Format = 'env' | 'yaml'

const PLACES: readonly Place[] = ['api_key', 'alt_api_key', 'read_only_api_key']

/** A file in lines, with where each key stands. Everything but the keys stays byte for byte. */
interface Page {
  readonly lines: readonly string[]
  /** The number of the line and what it says, by place. */
  readonly found: ReadonlyMap<Place, { readonly at: number; readonly value: string }>
  /** A new line, without its end. */
  make(place: Place, value: string): string
  /** After which line a new one comes; before the first line when -1. */
  readonly after: number
  /** Lines that have to come first, where there is no section yet. */
  readonly heading: readonly string[]
}

/** Where a name and a value stand in a line of an env file. */
const ENV_LINE = /^\s*(?:export\s+)?QDRANT__SERVICE__((?:ALT_|READ_ONLY_)?API_KEY)\s*=\s*(.*?)\s*$/
const YAML_LINE = /^(\s+)(alt_api_key|read_only_api_key|api_key)\s*:(?:\s+(.*?))?\s*$/
/** What stands for itself in both formats, without quotes or in them. */
const SCALAR = /^(?:([\w.~+/=@%-]*)|"([^"\\$]*)"|'([^']*)')(?:\s+#.*)?$/

/** The keys of a file. Undefined when it is not of this form, or holds a key twice or in a form that only its own reader knows. */
export function readKeys(text: string, format: Format): Keys | undefined {
  const page = open(text, format)
  if (page === undefined) return undefined
  return Object.fromEntries([...page.found].filter(([, { value }]) => value !== '').map(([place, { value }]) => [place, value]))
}

/**
 * The same text with exactly these keys: a line that changes is written anew, one whose key is gone is taken out. Values are letters and
 * digits, or what {@link readKeys} read. Undefined where that is.
 */
export function writeKeys(text: string, format: Format, keys: Keys): string | undefined {
  const page = open(text, format)
  if (page === undefined) return undefined
  const end = /\r\n/.test(text) ? '\r\n' : '\n'
  const lines: (string | undefined)[] = [...page.lines]
  for (const [place, { at, value }] of page.found) {
    const wanted = keys[place]
    if (wanted === undefined) lines[at] = undefined
    else if (wanted !== value) lines[at] = page.make(place, wanted)
  }
  const fresh = PLACES.flatMap((place) => {
    const wanted = keys[place]
    return wanted === undefined || page.found.has(place) ? [] : [page.make(place, wanted)]
  })
  const added = fresh.length === 0 ? [] : [...page.heading, ...fresh]
  const kept = [...lines.slice(0, page.after + 1), ...added, ...lines.slice(page.after + 1)].filter((line) => line !== undefined)
  return kept.join(end)
}

function open(text: string, format: Format): Page | undefined {
  const lines = text.split(/\r?\n/)
  // Mixed line ends would not survive.
  if (lines.join(/\r\n/.test(text) ? '\r\n' : '\n') !== text) return undefined
  return format === 'env' ? openEnv(lines) : openYaml(lines)
}

function openEnv(lines: readonly string[]): Page | undefined {
  const found = new Map<Place, { at: number; value: string }>()
  for (const [at, line] of lines.entries()) {
    const [, name, written] = ENV_LINE.exec(line) ?? []
    if (name === undefined || written === undefined) continue
    const [place, value] = [PLACES.find((one) => one.toUpperCase() === name), valueOf(written)]
    if (place === undefined || value === undefined || found.has(place)) return undefined
    found.set(place, { at, value })
  }
  // Before the empty text after the last line end.
  const after = lines.at(-1) === '' ? lines.length - 2 : lines.length - 1
  return { lines, found, after, heading: [], make: (place, value) => `QDRANT__SERVICE__${place.toUpperCase()}=${quoted(value)}` }
}

function openYaml(lines: readonly string[]): Page | undefined {
  const heads = lines.flatMap((line, at) => (/^service\s*:/.test(line) ? [at] : []))
  const [head] = heads
  // Tabs, more documents and a section on one line are left to people.
  if (heads.length > 1 || lines.some((line) => /^(\t|---\s*\S|\.\.\.)/.test(line))) return undefined
  if (head === undefined) {
    const after = lines.at(-1) === '' ? lines.length - 2 : lines.length - 1
    return { lines, found: new Map(), after, heading: ['service:'], make: (place, value) => `  ${place}: ${quoted(value, true)}` }
  }
  if (!/^service\s*:\s*(#.*)?$/.test(lines[head] ?? '')) return undefined
  const rest = lines.slice(head + 1)
  const length = rest.findIndex((line) => /^[^\s#]/.test(line))
  const block = length < 0 ? rest : rest.slice(0, length)
  const indent = /^(\s+)[^\s#]/.exec(block.find((line) => /^\s+[^\s#]/.test(line)) ?? '')?.[1] ?? '  '
  const found = new Map<Place, { at: number; value: string }>()
  for (const [at, line] of block.entries()) {
    const [, by, name, written = ''] = YAML_LINE.exec(line) ?? []
    if (by !== indent) continue
    const [place, value] = [PLACES.find((one) => one === name), /^(null|~)$/.test(written) ? '' : valueOf(written)]
    if (place === undefined || value === undefined || found.has(place)) return undefined
    found.set(place, { at: head + 1 + at, value })
  }
  return { lines, found, after: head, heading: [], make: (place, value) => `${indent}${place}: ${quoted(value, true)}` }
}

function valueOf(written: string): string | undefined {
  const [, plain, double, single] = SCALAR.exec(written) ?? []
  return plain ?? double ?? single
}

/** A YAML scalar of digits alone would be a number. */
function quoted(value: string, always = false): string {
  return always || !/^[\w.-]+$/.test(value) ? `"${value}"` : value
}
