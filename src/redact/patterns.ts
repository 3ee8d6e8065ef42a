/** From `start` up to, not including, `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

const SEED = 6
const SLOTS = 1 << 16

/**
 * Finds any of many fixed texts in a text, all of them and where they overlap. Texts of six characters and more are found
 * anywhere; shorter ones only where no letter, digit or underscore touches them. The time is that of one walk over the text, with
 * a closer look only where the first characters of a pattern are met; the number of patterns hardly counts.
 */
export class Patterns {
  /** By their first characters, then by length. */
  readonly #long = new Map<string, Map<number, Set<string>>>()
  readonly #met = new Uint8Array(SLOTS)
  readonly #short = new Set<string>()
  readonly #broken = new Set<string>()
  #longest = 0

  /** Every pattern is a text of one character or more. May be repeated. */
  add(pattern: string): void {
    this.#longest = Math.max(this.#longest, pattern.length)
    if (pattern.includes('\n')) this.#broken.add(pattern)
    if (pattern.length < SEED) {
      this.#short.add(pattern)
      return
    }
    this.#met[slot(pattern, 0)] = 1
    const seed = pattern.slice(0, SEED)
    const lengths = this.#long.get(seed) ?? new Map<number, Set<string>>()
    const same = lengths.get(pattern.length) ?? new Set<string>()
    this.#long.set(seed, lengths.set(pattern.length, same.add(pattern)))
  }

  /** The length of the longest pattern, in characters. */
  get longest(): number {
    return this.#longest
  }

  /** Where patterns are, in order, with overlapping ones joined. `before` is the character before the text, if any. */
  spans(text: string, before: string = ''): readonly Span[] {
    const found: Span[] = []
    for (let start = 0; start + SEED <= text.length; start += 1) {
      if (this.#met[slot(text, start)] === 0) continue
      const end = this.#longestAt(text, start)
      if (end !== undefined) found.push({ start, end })
    }
    for (const token of this.#short) found.push(...tokens(text, token, before))
    return joined(found)
  }

  #longestAt(text: string, start: number): number | undefined {
    const lengths = this.#long.get(text.slice(start, start + SEED))
    if (lengths === undefined) return undefined
    let longest: number | undefined
    for (const [length, same] of lengths) {
      if (length > (longest ?? 0) && same.has(text.slice(start, start + length))) longest = length
    }
    return longest === undefined ? undefined : start + longest
  }

  /**
   * The first place before `end` from which a pattern may go on beyond it; `end` when there is none. `end` is right behind a
   * line end, so only patterns with line ends count.
   */
  openBefore(text: string, end: number): number {
    let first = end
    for (const pattern of this.#broken) {
      for (let at = pattern.indexOf('\n'); at !== -1 && at + 1 < pattern.length; at = pattern.indexOf('\n', at + 1)) {
        const start = end - at - 1
        if (start >= 0 && start < first && text.startsWith(pattern.slice(0, at + 1), start)) first = start
      }
    }
    return first
  }
}

function slot(text: string, at: number): number {
  const first = (text.charCodeAt(at) * 31 + text.charCodeAt(at + 1)) * 31 + text.charCodeAt(at + 2)
  return (first + text.charCodeAt(at + 3) * 4099) & (SLOTS - 1)
}

function tokens(text: string, token: string, before: string): readonly Span[] {
  const found: Span[] = []
  for (let start = text.indexOf(token); start !== -1; start = text.indexOf(token, start + 1)) {
    const end = start + token.length
    if (!/\w/.test(start === 0 ? before : text.charAt(start - 1)) && !/\w/.test(text.charAt(end))) found.push({ start, end })
  }
  return found
}

function joined(spans: readonly Span[]): readonly Span[] {
  const all: Span[] = []
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = all.at(-1)
    if (last === undefined || span.start >= last.end) all.push(span)
    else all[all.length - 1] = { start: last.start, end: Math.max(last.end, span.end) }
  }
  return all
}
