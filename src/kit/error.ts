import { CODES, type Code } from './code.ts'

/** What may be said about a cause: its class and its code, never its message, which may quote what it was given. */
export interface ErrorCause { readonly name: string; readonly code?: string }

/** One place in a file that a person wrote: what is wrong there, and what to write instead. Never quotes a value. */
export interface Problem {
  /** Line and column are 1-based. */
  readonly place: { readonly file: string; readonly line: number; readonly column: number }
  readonly what: string
  readonly write: string
}

/**
 * The one error class. Its message is made from the closed list and from `about`, which is written by keyturn's own code
 * (names, places, numbers) and must never hold a value or text from outside.
 */
export class KeyturnError extends Error {
  readonly code: Code
  readonly hint: string
  readonly about: string
  override readonly cause?: ErrorCause
  /** With MANIFEST_INVALID: every problem by itself, in the order of the file, for `--json`; `about` has the same as text. */
  readonly problems?: readonly Problem[]

  constructor(code: Code, about = '', options: { hint?: string; cause?: unknown; problems?: readonly Problem[] } = {}) {
    super(about === '' ? CODES[code].says : `${CODES[code].says}: ${about}`)
    this.name = 'KeyturnError'
    this.code = code
    this.about = about
    this.hint = options.hint ?? CODES[code].hint
    if (options.cause !== undefined) this.cause = reduceCause(options.cause)
    if (options.problems !== undefined) this.problems = options.problems
  }
}

/** Reduces anything thrown to name and code. Errors of libraries may quote values, so their messages are dropped. */
export function reduceCause(thrown: unknown): ErrorCause {
  if (!(thrown instanceof Error)) return { name: typeof thrown }
  const code: unknown = 'code' in thrown ? thrown.code : undefined
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/i.test(code) ? { name: thrown.name, code } : { name: thrown.name }
}
