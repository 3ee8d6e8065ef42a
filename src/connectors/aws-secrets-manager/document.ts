import { applyEdits, modify } from 'jsonc-parser'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { Secret } from '../../kit/secret.ts'
import type { Entries, Patch } from '../../kit/store.ts'

/** The keys of a JSON object whose values are texts or numbers. Refused when it is no object, or one of them is something else. */
export function entriesOf(text: Secret, keys: readonly string[], about: string): Answer<Entries> {
  const document = objectIn(text.reveal())
  if (document === undefined) return refused('STORE_UNFIT', `${about} is no JSON object`)
  const entries: Record<string, Secret> = {}
  for (const key of keys) {
    if (!Object.hasOwn(document, key)) continue
    const value = document[key]
    if (typeof value !== 'string' && typeof value !== 'number') return refused('STORE_UNFIT', `${key} in ${about} is no text`)
    entries[key] = new Secret(String(value))
  }
  return done(entries)
}

/** The same JSON with our keys changed; every other byte stays. */
export function patched(text: Secret, patch: Patch, about: string): Answer<Secret> {
  let next = text.reveal()
  if (objectIn(next) === undefined) return refused('STORE_UNFIT', `${about} is no JSON object`)
  for (const [key, value] of Object.entries(patch)) {
    const wanted = value?.reveal()
    const before = objectIn(next)
    if (wanted === undefined && before !== undefined && !Object.hasOwn(before, key)) continue
    next = applyEdits(next, modify(next, [key], wanted, {}))
    // A key that stands there twice: which one a reader takes is not ours to guess.
    const after = objectIn(next)
    if (after === undefined || (Object.hasOwn(after, key) ? after[key] : undefined) !== wanted) return refused('STORE_UNFIT', `${key} in ${about} cannot be changed by itself`)
  }
  return done(new Secret(next))
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const document: unknown = JSON.parse(text)
    return typeof document === 'object' && document !== null && !Array.isArray(document) ? (document as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}
