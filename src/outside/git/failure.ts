import type { Code } from '../../kit/code.ts'

/** What git's own words mean. */
export interface Failure {
  readonly code: Code
  /** For evidence: ours, not git's. */
  readonly word: string
  /** Nothing was changed at the remote. */
  readonly certain: boolean
}

/**
 * The messages of git 2.39 in the locale C, the most telling first: a command prints several. A push is refused by the remote whole, ref by ref
 * (`--porcelain`, git-push(1)); what cuts the connection in the middle leaves open what happened.
 */
const FAILURES: readonly (readonly [RegExp, Failure])[] = [
  [/\[rejected\]|\(fetch first\)|\(non-fast-forward\)|\(stale info\)|cannot lock ref|failed to update ref|reference already exists|incorrect old value/, { code: 'CONFLICT', word: 'raced', certain: true }],
  [/\[remote rejected\]/, { code: 'STORE_DENIED', word: 'remote-rejected', certain: true }],
  [/Authentication failed|could not read (?:Username|Password)|terminal prompts disabled|Permission denied|returned error: 40[13]|not allowed to|access denied|Host key verification failed/i, { code: 'STORE_DENIED', word: 'not-authorized', certain: true }],
  [/couldn't find remote ref|Remote branch .* not found/i, { code: 'STORE_MISSING', word: 'no-such-branch', certain: true }],
  [/does not appear to be a git repository|repository .* (?:not found|does not exist)|Repository not found|returned error: 404/i, { code: 'STORE_MISSING', word: 'no-such-repository', certain: true }],
  [/Could not resolve host|Failed to connect|Couldn't connect|Connection refused|No route to host|Name or service not known/i, { code: 'UNREACHABLE', word: 'unreachable', certain: true }],
  [/returned error: 429/, { code: 'RATE_LIMITED', word: 'too-many', certain: true }],
  [/hung up|unexpected disconnect|RPC failed|Connection (?:reset|timed out|closed)|early EOF|Empty reply|returned error: 5\d\d/i, { code: 'SERVER_ERROR', word: 'cut', certain: false }],
]

/** Undefined when they are not known. Pure. */
export function failureOf(said: string): Failure | undefined {
  return FAILURES.find(([pattern]) => pattern.test(said))?.[1]
}
