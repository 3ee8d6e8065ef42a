import { type Answer, type Call, KeyturnError, placeLabel, refused, unknown } from '../../kit/index.ts'
import type { Target } from './target.ts'

/** The five-character SQLSTATE of an error from the server; undefined for an error of the socket. */
export function sqlState(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('severity' in thrown) || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' && /^[0-9A-Z]{5}$/.test(thrown.code) ? thrown.code : undefined
}

/**
 * Whether a pooler refused the login. PgBouncer (1.18) says 08P01 to whatever it refuses; only the text tells a refused login, its own
 * or the server's, which it hands on.
 */
export function isPoolersRejection(thrown: unknown): boolean {
  const refusal = /^(?:password|SASL) authentication failed|^no such user|^role "[^]*" is not permitted to log in/
  return sqlState(thrown) === '08P01' && thrown instanceof Error && refusal.test(thrown.message)
}

/** The code of an error of the socket (`ECONNREFUSED`), or a word for it. */
export function socketCode(thrown: unknown): string {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  return typeof code === 'string' && /^[A-Z_]{3,40}$/.test(code) ? code : 'CONNECTION_LOST'
}

/**
 * What an error means. `lost` says how to answer when the server gave no verdict: `refused` as long as nothing that could have
 * an effect was sent, `unknown` otherwise and for reads.
 * SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function failure(thrown: unknown, call: Call, lost: 'refused' | 'unknown'): Answer<never> {
  if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
  const lostAnswer = lost === 'refused' ? refused : unknown
  if (call.signal.aborted) return lostAnswer('DEADLINE')
  const sqlstate = sqlState(thrown)
  if (sqlstate === undefined) return lostAnswer('UNREACHABLE', undefined, { code: socketCode(thrown) })
  const evidence = { sqlstate }
  if (sqlstate === '42501') return refused('RIGHTS_MISSING', 'the server denied a statement to the admin', evidence)
  if (sqlstate === '42704') return refused('PRINCIPAL_MISSING', undefined, evidence)
  if (sqlstate === '25006') return refused('UNREACHABLE', 'the admin address is a read-only standby; name the primary', evidence)
  if (sqlstate === '57014') return unknown('DEADLINE', undefined, evidence)
  if (/^(08|57P)/.test(sqlstate)) return lostAnswer('UNREACHABLE', undefined, evidence)
  return unknown('SERVER_ERROR', undefined, evidence)
}

/** The same answer; where it is about the connection and does not say which, with host and port, and nothing else of the URL. */
export function saidWhere<T>(answer: Answer<T>, { host, port }: Pick<Target, 'host' | 'port'>): Answer<T> {
  const unnamed = (answer.is === 'refused' || answer.is === 'unknown') && answer.about === undefined
  if (!unnamed || (answer.code !== 'UNREACHABLE' && answer.code !== 'DEADLINE')) return answer
  return { ...answer, about: placeLabel(host, port) }
}

/** What a failed login of the admin means. */
export function loginFailure(thrown: unknown, call: Call, lost: 'refused' | 'unknown'): Answer<never> {
  const sqlstate = sqlState(thrown)
  if (sqlstate === undefined) return failure(thrown, call, lost)
  const evidence = { sqlstate }
  if (sqlstate.startsWith('28')) return refused('ADMIN_REJECTED', undefined, evidence)
  if (sqlstate === '53300') return refused('SLOTS_FULL', 'the server has no connection left for the admin', evidence)
  if (sqlstate === '3D000') return refused('ADMIN_REJECTED', 'the database of the admin URL does not exist', evidence)
  if (sqlstate === '42501') return refused('ADMIN_REJECTED', 'the admin may not connect to the database of its URL', evidence)
  return failure(thrown, call, lost)
}
