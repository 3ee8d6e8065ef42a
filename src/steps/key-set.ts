import { Secret } from '../kit/index.ts'

/**
 * A JSON Web Key Set (RFC 7517, 5) of these keys, each the JSON text of one, in this order: verifiers that know of no key ids try the
 * first one first. On one line, so that it fits into a variable too. Pure. Throws a SyntaxError for a text that is no JSON.
 */
export function renderKeySet(keys: readonly Secret[]): Secret {
  return new Secret(JSON.stringify({ keys: keys.map((key) => JSON.parse(key.reveal()) as unknown) }))
}

/** The keys of a set, each in the one spelling that {@link keyText} gives. Undefined for what is no set of keys. Pure. */
export function readKeySet(value: Secret): readonly Secret[] | undefined {
  try {
    const read: unknown = JSON.parse(value.reveal())
    const keys = isMap(read) ? read['keys'] : undefined
    return Array.isArray(keys) && keys.every(isMap) ? keys.map((key) => new Secret(keyText(key))) : undefined
  } catch {
    return undefined
  }
}

/** One key as a text: its members by name, without white space, so that two spellings of a key are the same text. */
function keyText(key: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1))))
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
