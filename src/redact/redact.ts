import type { Secret } from '../kit/secret.ts'
import { encodings } from './encodings.ts'
import { Patterns, type Span } from './patterns.ts'

/** A value with fewer characters is masked only where it stands alone, and only as it is: `1` or `on` are in every output. */
const SHORTEST = 6
/** A line of a longer value is a value of its own from this length on; shorter ones are brackets, blanks and words. */
const SHORTEST_LINE = 8
const PEM_BORDER = /^-----(?:BEGIN|END) [A-Z0-9 ]+-----$/
/** A line is kept back until it is whole, but never more than this many characters. */
const LONGEST_LINE = 64 * 1024
const MARKS = ['«secret»', '«masked»', '‹▒▒▒›', '█████']

/** Masks one stream; chunks may be cut anywhere, also within a value. */
export interface MaskedStream {
  /** What may be shown now, masked: whole lines, and of a very long line its beginning. */
  push(chunk: string): string
  /** The rest, masked. */
  end(): string
}

/**
 * Masks values in text, in every encoding of {@link encodings} (X-08, S0-02). It masks what it was told before; where two values
 * overlap both go. Values of many lines are masked as a whole and line by line.
 *
 * What it promises: the output never holds a concealed value in one of these encodings. What it cannot: a value in another
 * encoding (compressed, encrypted, written backwards, base64 over lines of an unusual width), or a part of a value.
 */
export class Redactor {
  readonly #patterns = new Patterns()
  readonly #known = new Set<string>()
  #mark = MARKS[0] ?? ''

  /** From now on this value is masked. May be repeated; an empty value is no value. */
  conceal(secret: Secret): void {
    const value = secret.reveal()
    this.#add(value)
    for (const line of /[\r\n]/.test(value) ? value.split(/[\r\n]+/) : []) {
      const text = line.trim()
      if (text.length >= SHORTEST_LINE && !PEM_BORDER.test(text)) this.#add(text)
    }
  }

  #add(value: string): void {
    if (value === '' || this.#known.has(value)) return
    this.#known.add(value)
    for (const pattern of value.length < SHORTEST ? [value] : encodings(value)) {
      this.#patterns.add(pattern)
      while (touches(pattern, this.#mark)) this.#mark = nextMark(this.#mark)
    }
  }

  /** The text with a mark in the place of every value. */
  mask(text: string): string {
    return this.#render(text, this.#patterns.spans(text), text.length, 0)
  }

  /** At how many places the text holds a value. */
  find(text: string): number {
    return this.#patterns.spans(text).length
  }

  /** Whether the text holds a value. */
  holds(text: string): boolean {
    return this.find(text) > 0
  }

  /**
   * Masks a stream line by line. It holds back what may be the beginning of a value: a line that is not whole, and lines that may
   * begin a value of many lines. It keeps at most 64 Ki characters and twice the longest value. Bytes are for the
   * caller to decode, with a decoder that knows cut characters (StringDecoder).
   */
  stream(): MaskedStream {
    let pending = ''
    /** The last character that went out. */
    let before = ''
    /** How many characters at the beginning of `pending` belong to a value whose mark went out already. */
    let masked = 0
    const release = (upTo: number): string => {
      const spans = this.#patterns.spans(pending, before)
      const shown = this.#render(pending, spans, upTo, masked)
      const crossing = spans.findLast((span) => span.start < upTo)
      masked = Math.max(0, masked - upTo, (crossing?.end ?? 0) - upTo)
      if (upTo > 0) before = pending.charAt(upTo - 1)
      pending = pending.slice(upTo)
      return shown
    }
    return {
      push: (chunk) => {
        pending += chunk
        const upTo = this.#releasable(pending, chunk.includes('\n'))
        return upTo === 0 ? '' : release(upTo)
      },
      end: () => release(pending.length),
    }
  }

  #releasable(pending: string, hasLine: boolean): number {
    let upTo = 0
    if (hasLine) {
      const lines = pending.lastIndexOf('\n') + 1
      const open = this.#patterns.openBefore(pending, lines)
      // The beginning of a line that stays back is shown with the rest of it.
      upTo = open === lines ? lines : open === 0 ? 0 : pending.lastIndexOf('\n', open - 1) + 1
    }
    const { longest } = this.#patterns
    if (pending.length - upTo > LONGEST_LINE + 2 * longest) upTo = pending.length - longest - 1
    // Not between the halves of a character.
    return upTo > 0 && /[\ud800-\udbff]/.test(pending.charAt(upTo - 1)) && upTo < pending.length ? upTo - 1 : upTo
  }

  /** The text up to a place; of its first `masked` characters the mark went out already. */
  #render(text: string, spans: readonly Span[], upTo: number, masked: number): string {
    let shown = ''
    let at = Math.min(masked, upTo)
    let covered = masked
    for (const { start, end } of spans) {
      if (start >= upTo) break
      if (start >= covered) shown += text.slice(at, start) + this.#mark
      covered = Math.max(covered, end)
      at = Math.max(at, Math.min(covered, upTo))
    }
    return shown + text.slice(at, upTo)
  }
}

/** Whether a pattern could show up in a mark, or across its border with the text beside it. */
function touches(pattern: string, mark: string): boolean {
  return mark.includes(pattern) || pattern.includes(mark.charAt(0)) || pattern.includes(mark.charAt(mark.length - 1))
}

/** After the marks for people, characters that Unicode leaves to everybody's own use: no value holds all of them. */
function nextMark(mark: string): string {
  const next = MARKS[MARKS.indexOf(mark) + 1]
  if (next !== undefined && MARKS.includes(mark)) return next
  const code = MARKS.includes(mark) ? 0xe000 : mark.charCodeAt(0) + 1
  return String.fromCharCode(code)
}
