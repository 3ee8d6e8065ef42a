import { type Answer, done, refused } from '../../kit/answer.ts'
import type { CheckResult } from '../../kit/check.ts'

/** Classes of SQLSTATE in which the server could not, or would not now, look: connection, rollback, room, state, operator, system. */
const NOT_NOW = /^(?:08|40|53|55|57|58|XX)/

/**
 * What an error means for a check. The server's refusal of a login or of the query is a `fail`; a query that is not one that reads is
 * a fault of the manifest; everything else is `inconclusive`. Only codes are told, the texts of errors quote what they were given.
 * SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function failure(thrown: unknown, signal: AbortSignal): Answer<CheckResult> {
  if (signal.aborted) return done({ verdict: 'inconclusive', evidence: { cause: 'DEADLINE' } })
  const code = codeOf(thrown)
  if (!isServers(thrown) || !/^[0-9A-Z]{5}$/.test(code)) return done({ verdict: 'inconclusive', evidence: { cause: code } })
  const evidence = { sqlstate: code }
  if (code === '25006') return refused('MANIFEST_INVALID', '`query` writes, and a check only reads', evidence)
  // What a cursor is not for, and what is more than one statement, is a matter of syntax to the server; so is a real slip.
  if (code === '42601' || code === '0A000') return refused('MANIFEST_INVALID', '`query` is not one statement that reads', evidence)
  if (NOT_NOW.test(code) && !isRejectedByPooler(thrown, code)) return done({ verdict: 'inconclusive', evidence })
  return done({ verdict: 'fail', evidence })
}

/** An error that the server sent, and not one of the socket. */
function isServers(thrown: unknown): thrown is Error {
  return thrown instanceof Error && 'severity' in thrown
}

function codeOf(thrown: unknown): string {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  return typeof code === 'string' && /^[A-Z0-9_]{3,40}$/.test(code) ? code : 'CONNECTION_LOST'
}

/** PgBouncer (1.18) says 08P01, a fault of the protocol, to whatever it refuses: also to a wrong password, which only its text tells. */
function isRejectedByPooler(thrown: Error, code: string): boolean {
  return code === '08P01' && /^(?:password|SASL) authentication failed|^no such user/.test(thrown.message)
}
