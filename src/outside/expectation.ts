import { z } from 'zod'

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** What a text from outside has to be like; all that is given has to hold. */
export const expectationSchema = z
  .strictObject({
    equals: z.string().optional().describe('The whole text; white space at both ends does not count.'),
    includes: z.string().min(1).optional().describe('A part of the text.'),
    matches: z
      .string()
      .min(1)
      .refine((pattern) => isPattern(pattern), 'a regular expression of JavaScript')
      .optional()
      .describe('A regular expression that is found somewhere in the text.'),
    json: z
      .record(z.string().min(1), scalar)
      .optional()
      .describe('Fields of the JSON document by path (`components.0.state`) and the exact value of each. An absent one fails.'),
  })
  .refine((expected) => Object.keys(expected).length > 0, 'an expectation that is empty always holds: say what is expected')

export type Expectation = z.infer<typeof expectationSchema>

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp
  } catch {
    return false
  }
}

/** Whether a text is a regular expression with exactly one group. */
function hasOneGroup(pattern: string): boolean {
  try {
    return new RegExp(`${pattern}|`, 'u').exec('')?.length === 2
  } catch {
    return false
  }
}

/** A regular expression whose one group is what is meant. */
export const groupSchema = z.string().refine(hasOneGroup, 'a regular expression of JavaScript with one group')

/**
 * The value at a path in a JSON document: names and, for lists, numbers from 0, with dots between them. Undefined when it is not
 * there, which is never the same as null (C-05).
 */
export function jsonAt(document: unknown, path: string): unknown {
  let at = document
  for (const part of path.split('.')) {
    at = typeof at === 'object' && at !== null ? new Map<string, unknown>(Object.entries(at)).get(part) : undefined
  }
  return at
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Which expectation does not hold: `equals`, `includes`, `matches` or `json:PATH`. Undefined when all do. Tells no text. */
export function unmet(expected: Expectation, text: string): string | undefined {
  if (expected.equals !== undefined && text.trim() !== expected.equals.trim()) return 'equals'
  if (expected.includes !== undefined && !text.includes(expected.includes)) return 'includes'
  if (expected.matches !== undefined && !new RegExp(expected.matches, 'u').test(text)) return 'matches'
  const document = expected.json === undefined ? undefined : parse(text)
  const path = Object.entries(expected.json ?? {}).find(([at, value]) => jsonAt(document, at) !== value)?.[0]
  return path === undefined ? undefined : `json:${path}`
}

/**
 * Which unwanted thing is there, named as in {@link unmet} with `not:` before it; undefined when none is. What cannot be looked
 * into is not free of it: an empty text counts as unwanted, and so does an absent JSON field.
 */
export function unwanted(excluded: Expectation, text: string): string | undefined {
  if (text.trim() === '') return 'not:empty'
  if (excluded.equals !== undefined && text.trim() === excluded.equals.trim()) return 'not:equals'
  if (excluded.includes !== undefined && text.includes(excluded.includes)) return 'not:includes'
  if (excluded.matches !== undefined && new RegExp(excluded.matches, 'u').test(text)) return 'not:matches'
  const document = excluded.json === undefined ? undefined : parse(text)
  const found = Object.entries(excluded.json ?? {}).find(([path, value]) => {
    const there = jsonAt(document, path)
    return there === undefined || there === value
  })
  return found === undefined ? undefined : `not:json:${found[0]}`
}
