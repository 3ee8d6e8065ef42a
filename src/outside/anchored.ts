import { z } from 'zod'

/** What nobody sends and no pattern means. A pattern that this or nothing at all is like holds always. */
const NONSENSE = '\u{10ffff}'

/**
 * A regular expression that has to describe a text from its beginning to its end, as if it stood between `^` and `$`: `auth` is
 * also in `author`. One that any text is like is refused, for a check with it cannot fail.
 */
export const anchoredSchema = z
  .string()
  .min(1)
  .refine((pattern) => compile(pattern) !== undefined, { error: 'a regular expression of JavaScript', abort: true })
  .refine((pattern) => !['', NONSENSE].some((text) => isLike(text, pattern)), 'what the text has to be: any text is like this one')

/** Whether the whole text is like a pattern that {@link anchoredSchema} let through. */
export function isLike(text: string, pattern: string): boolean {
  return compile(pattern)?.test(text) ?? false
}

function compile(pattern: string): RegExp | undefined {
  try {
    // By itself first: `a)(b` is no expression, and would be one in the group.
    const { source } = new RegExp(pattern, 'u')
    return new RegExp(`^(?:${source})$`, 'u')
  } catch {
    return undefined
  }
}
