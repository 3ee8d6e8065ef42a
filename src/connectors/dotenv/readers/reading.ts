/** A program that reads env files, each by its own rules. */
export type Reader = 'compose' | 'node' | 'python' | 'sh'

export const READERS = ['compose', 'node', 'python', 'sh'] as const satisfies readonly Reader[]

/**
 * What a reader makes of a file, by key: the value, or null when it depends on more than this file (a reference to a variable,
 * a command, the version of the reader). A key that the reader does not set is absent.
 */
export type Readings = ReadonlyMap<string, string | null>

/** White space as Go's unicode.IsSpace has it: `White_Space` of Unicode. */
export const UNICODE_SPACE = String.raw`\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`
