import type { Answer } from '../../kit/answer.ts'

/**
 * How values sit in the content of a file. All of it is pure. What is refused says in `about` what does not fit and where,
 * without the name of the file and without a value: STORE_UNFIT for what the file holds, or cannot take.
 */
export interface Format {
  /** The place that a key names, one text for all spellings of it; undefined when it is no key of this format. */
  place(key: string): string | undefined
  /** What a key is written like, for who wrote none. */
  readonly keys: string
  /** Whether there are keys beside those of the format itself. */
  readonly fixed: boolean
  /** The values of those keys that are there. Only with keys that have a place. */
  read(bytes: Buffer, keys: readonly string[]): Answer<ReadonlyMap<string, string>>
  /** The content with this value at the key, or, with null, without the key; every byte that is not ours as it was. */
  put(bytes: Buffer, key: string, value: string | null): Answer<Buffer>
  /** Why not every reader of such files would have this value; undefined when all do. */
  misread(key: string, value: string): string | undefined
}

/** The text of bytes that are UTF-8, with its byte order mark; undefined when they are not. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** What no text file holds, whatever its format. */
export function noText(value: string): string | undefined {
  if (!value.isWellFormed()) return 'it is no valid Unicode text'
  return value.includes('\0') ? 'it holds a zero byte' : undefined
}
