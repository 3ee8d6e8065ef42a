/**
 * An env file cut into pieces that give the file again when they are joined. It is cut where all readers agree that a line
 * begins and ends; where they do not, fit.ts finds out before anything is written.
 * The text has one character per byte (latin1), so bytes that are no UTF-8 survive.
 */
export type Piece = Assignment | { readonly key?: never; readonly text: string }

export interface Assignment {
  readonly key: string
  /** Up to the value: `export KEY=`, with all its blanks. */
  readonly lead: string
  /** As written, with its quotes. */
  readonly value: string
  /** What follows the value: blanks, a comment, the line's end. */
  readonly tail: string
}

const HEAD = /[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)(?:[ \t]*=|:(?=[ \t]))/y
const OTHER = /[^\n]*(?:\n|$)/y
const QUOTED = /'[^']*'|"(?:\\[^]|[^"\\])*"/y
const TAIL = /(?:[ \t]+#[^\n]*|[ \t]*\r?)(?:\n|$)/y
const BARE_TAIL = /(?:[ \t]+#[^\n]*|[ \t]*\r?)?(?:\n|$)/g
/** Behind quotes within quotes a comment is one only without further quotes. */
const MIXED_TAIL = /(?:[ \t]+#[^\n'"]*|[ \t]*\r?)?(?:\n|$)/g

/** Cuts the file. Joining the pieces gives back every byte. */
export function cut(text: string): readonly Piece[] {
  const pieces: Piece[] = []
  let at = 0
  if (text.startsWith('\xef\xbb\xbf')) {
    pieces.push({ text: '\xef\xbb\xbf' })
    at = 3
  }
  while (at < text.length) {
    const piece = assignmentAt(text, at) ?? { text: match(OTHER, text, at) ?? '' }
    pieces.push(piece)
    at += lengthOf(piece)
  }
  return pieces
}

/** Puts the pieces together again. */
export function join(pieces: readonly Piece[]): string {
  return pieces.map(textOf).join('')
}

function textOf(piece: Piece): string {
  return piece.key === undefined ? piece.text : piece.lead + piece.value + piece.tail
}

function lengthOf(piece: Piece): number {
  return textOf(piece).length
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

function assignmentAt(text: string, begin: number): Assignment | undefined {
  HEAD.lastIndex = begin
  const key = HEAD.exec(text)?.[1]
  if (key === undefined) return undefined
  const head = HEAD.lastIndex
  const comment = match(/[ \t]+(?=#)/y, text, head)
  const begins = comment === undefined ? head + (match(/[ \t]*/y, text, head) ?? '').length : head
  const ends = comment === undefined ? endOfValue(text, begins) : head
  const tail = match(TAIL, text, ends)
  if (tail === undefined) return undefined
  return { key, lead: text.slice(begin, begins), value: text.slice(begins, ends), tail }
}

function endOfValue(text: string, at: number): number {
  const quoted = match(QUOTED, text, at)
  if (quoted === undefined) return firstAt(BARE_TAIL, text, at)
  const ends = at + quoted.length
  return match(TAIL, text, ends) === undefined ? firstAt(MIXED_TAIL, text, ends) : ends
}

function firstAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.exec(text)?.index ?? text.length
}

/** The file's own line end: that of its last line that has one. */
function lineEnd(text: string): string {
  const last = text.lastIndexOf('\n')
  return last > 0 && text[last - 1] === '\r' ? '\r\n' : '\n'
}

/**
 * Puts a value (as written, with its quotes) in the place of every value that the key has: readers take the last one, and a
 * stale one before it would stay a secret on disk. A key that is not there becomes a new line at the end. `plain` writes `KEY=`
 * whatever blanks and signs the file has there.
 */
export function put(text: string, key: string, written: string, plain: boolean): string {
  const pieces = cut(text)
  if (!pieces.some((piece) => piece.key === key)) {
    const end = lineEnd(text)
    return `${text}${text === '' || text.endsWith('\n') ? '' : end}${key}=${written}${end}`
  }
  return join(
    pieces.map((piece) => {
      if (piece.key !== key) return piece
      const exported = /^\s*export\s/.test(piece.lead) ? 'export ' : ''
      return { ...piece, value: written, lead: plain ? `${exported}${key}=` : piece.lead }
    }),
  )
}

/** Takes every line of the key away. */
export function remove(text: string, key: string): string {
  return join(cut(text).filter((piece) => piece.key !== key))
}

/** How the last value of the key is written; undefined when the key is not there. */
export function writtenValue(text: string, key: string): string | undefined {
  const last = cut(text).findLast((piece) => piece.key === key)
  return last?.key === undefined ? undefined : last.value
}
