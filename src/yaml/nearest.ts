import { distance } from 'fastest-levenshtein'

/**
 * The candidate that was probably meant; undefined when none is near. A third of its letters may differ, two at least (of three,
 * one); a beginning of three letters or more is near too.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: { readonly candidate: string; readonly far: number } | undefined
  for (const candidate of candidates) {
    const begins = word.length >= 3 && candidate.startsWith(word)
    const far = begins ? 0 : distance(word.toLowerCase(), candidate.toLowerCase())
    const limit = candidate.length <= 3 ? 1 : Math.max(2, Math.floor(candidate.length / 3))
    if (far <= limit && (best === undefined || far < best.far)) best = { candidate, far }
  }
  return best?.candidate
}

/** What to write in place of an unknown word: the one that was probably meant; all that could be when none was, or when they are few. */
export function suggest(word: string, candidates: readonly string[]): string {
  const meant = nearest(word, candidates)
  const all = `one of ${candidates.map((candidate) => `\`${candidate}\``).join(', ')}`
  if (candidates.length === 0) return 'nothing'
  if (candidates.length === 1) return `\`${candidates[0]}\``
  if (meant === undefined) return all
  return `\`${meant}\` (did you mean that?${candidates.length > 6 ? '' : ` ${all}`})`
}
