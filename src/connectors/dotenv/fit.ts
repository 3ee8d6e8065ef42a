import { put, remove, writtenValue } from './document.ts'
import { readAll, type Reader, type Readings } from './readers/index.ts'

/** The new file, or the readers that no way of writing satisfies. */
export type Fit = { readonly text: string } | { readonly unread: readonly Reader[] }

type Style = 'bare' | 'single' | 'double' | 'escaped'

const WRITE: Readonly<Record<Style, (value: string) => string>> = {
  bare: (value) => value,
  single: (value) => `'${value}'`,
  double: (value) => `"${value}"`,
  escaped: (value) => `"${value.replaceAll(/[\\"$`]/g, String.raw`\$&`).replaceAll('\r', String.raw`\r`)}"`,
}

/**
 * Writes the value so that every reader reads it exactly, and everything else as before: the way the line is quoted now when that
 * works, else bare, in single quotes, in double quotes, in double quotes with escapes. Nothing is assumed: the whole file is read
 * again by the rules of each reader. Readers in `unable` cannot read the file as it is; if the change lets one read it, it counts
 * like the others. Pure. `text` is latin1, the value is any text.
 */
export function fitValue(
  text: string,
  key: string,
  value: string,
  readers: readonly Reader[],
  unable: readonly Reader[] = [],
): Fit {
  // No environment holds a zero byte or half a character, and no shell another kind of name.
  if (value.includes('\0') || !value.isWellFormed() || !/^[A-Za-z_][\w.-]*$/.test(key)) return { unread: readers }
  let unread: readonly Reader[] = readers
  for (const next of writings(text, key, value)) {
    const misread = misreaders(text, next, key, value, readers, unable)
    if (misread.length === 0) return { text: next }
    if (misread.length < unread.length) unread = misread
  }
  return { unread }
}

/** The file with the value in every way that is tried, the one that changes least first. */
export function writings(text: string, key: string, value: string): readonly string[] {
  const styles = stylesFor(writtenValue(text, key))
  return styles.flatMap((style) => [false, true].map((plain) => put(text, key, encode(WRITE[style](value)), plain)))
}

/** Takes the key away so that every reader misses it and reads everything else as before. */
export function fitRemoval(text: string, key: string, readers: readonly Reader[], unable: readonly Reader[] = []): Fit {
  const next = remove(text, key)
  const unread = misreaders(text, next, key, undefined, readers, unable)
  return unread.length === 0 ? { text: next } : { unread }
}

/** Bytes as latin1 to the text that readers see. */
export function decode(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8')
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function stylesFor(now: string | undefined): readonly Style[] {
  const all: readonly Style[] = ['bare', 'single', 'double', 'escaped']
  const first: Style = now?.startsWith('\'') === true ? 'single' : now?.startsWith('"') === true ? 'double' : 'bare'
  return [first, ...all.filter((style) => style !== first)]
}

/** Those who would not have this value, or would have another one for another key than before. */
function misreaders(
  text: string,
  next: string,
  key: string,
  value: string | undefined,
  readers: readonly Reader[],
  unable: readonly Reader[],
): readonly Reader[] {
  return [...readers, ...unable].filter((reader) => {
    const [before, after] = [readAll(reader, decode(text)), readAll(reader, decode(next))]
    if (after === undefined) return readers.includes(reader)
    return after.get(key) !== value || !sameBeside(key, before ?? after, after)
  })
}

function sameBeside(key: string, before: Readings, after: Readings): boolean {
  return [...before.keys(), ...after.keys()].every((other) => other === key || before.get(other) === after.get(other))
}
