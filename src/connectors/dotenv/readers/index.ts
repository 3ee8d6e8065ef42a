import { readCompose } from './compose.ts'
import { readNode } from './node.ts'
import { readPython } from './python.ts'
import type { Reader, Readings } from './reading.ts'
import { readSh } from './sh.ts'

export { type Reader, READERS, type Readings } from './reading.ts'

const RULES: Readonly<Record<Reader, (text: string) => Readings | undefined>> = {
  compose: readCompose,
  node: readNode,
  python: readPython,
  sh: readSh,
}

/** Every key that the reader finds in the file. Undefined when it refuses the file as a whole. */
export function readAll(reader: Reader, text: string): Readings | undefined {
  return RULES[reader](text)
}

/** What the reader has for one key: the value, null when it depends on more than the file, undefined when it does not have it. */
export function readAs(reader: Reader, text: string, key: string): string | null | undefined {
  return readAll(reader, text)?.get(key)
}
