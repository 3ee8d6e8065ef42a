/** What Vault makes of a request: its `data`, or the whole document where it is another. */
export interface Handled {
  readonly status: number
  readonly data?: unknown
  readonly document?: object
  readonly errors?: readonly string[]
}

/** A number of a request as it is written, of any length, is a text here that begins with this character. */
const NUMBER = '\u0001'

/** A JSON text whose numbers are such texts. */
export function numbersIn(json: string): string {
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => (token.startsWith('"') ? token : JSON.stringify(NUMBER + token)))
}

/** And back again. */
export function numbersOut(json: string): string {
  return json.replaceAll(/"\\u0001([\d.eE+-]+)"/g, '$1')
}

/** A number of a request. */
export function numberOf(value: unknown): number {
  return Number(String(value).replace(NUMBER, ''))
}

/** What stands in the place of numbers when they are read as floating point, as KV version 2 reads them; version 1 keeps them as written. */
export function asFloats(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith(NUMBER) ? Number(value.slice(NUMBER.length)) : value
  if (Array.isArray(value)) return value.map(asFloats)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, asFloats(each)]))
}
