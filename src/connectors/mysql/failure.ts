import { type Answer, type Call, KeyturnError, placeLabel, refused, unknown } from '../../kit/index.ts'
import type { Target } from './target.ts'

/** The number of an error from the server, such as 1045; undefined for an error of the socket. */
export function errorNumber(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('sqlState' in thrown) || !('errno' in thrown)) return undefined
  return typeof thrown.errno === 'number' && thrown.errno >= 1000 ? thrown.errno : undefined
}

/** The code of an error of the socket (`ECONNREFUSED`), or a word for it. */
export function socketCode(thrown: unknown): string {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  return typeof code === 'string' && /^[A-Z_]{3,40}$/.test(code) ? code : 'CONNECTION_LOST'
}

const DENIED: ReadonlySet<number> = new Set([1044, 1045, 1142, 1143, 1227, 1370, 1410, 1698])
const FULL: ReadonlySet<number> = new Set([1040, 1203, 1226])

/**
 * What an error means. `lost` says how to answer when the server gave no verdict: `refused` as long as nothing that could have an
 * effect was sent, `unknown` otherwise and for reads.
 * https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-code-reference/
 */
export function failure(thrown: unknown, call: Call, lost: 'refused' | 'unknown'): Answer<never> {
  if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
  const lostAnswer = lost === 'refused' ? refused : unknown
  if (call.signal.aborted) return lostAnswer('DEADLINE')
  const errno = errorNumber(thrown)
  if (errno === undefined) return lostAnswer('UNREACHABLE', undefined, { code: socketCode(thrown) })
  const evidence = { errno }
  if (DENIED.has(errno)) return refused('RIGHTS_MISSING', 'the server denied a statement to the admin', evidence)
  if (errno === 1396) return refused('PRINCIPAL_MISSING', undefined, evidence)
  if (errno === 1290 || errno === 1836) return refused('UNREACHABLE', 'the admin address is read-only; name the primary', evidence)
  if (errno === 1053) return lostAnswer('UNREACHABLE', undefined, evidence)
  return unknown('SERVER_ERROR', undefined, evidence)
}

/** What a failed login of the admin means. */
export function loginFailure(thrown: unknown, call: Call, lost: 'refused' | 'unknown'): Answer<never> {
  const errno = errorNumber(thrown)
  if (errno === undefined) return failure(thrown, call, lost)
  const evidence = { errno }
  if (isRejection(errno)) return refused('ADMIN_REJECTED', undefined, evidence)
  if (FULL.has(errno)) return refused('SLOTS_FULL', 'the server has no connection left for the admin', evidence)
  if (errno === 1129) return refused('UNREACHABLE', 'the server blocks this host after too many broken connections (max_connect_errors): FLUSH HOSTS', evidence)
  if (errno === 1130) return refused('ADMIN_REJECTED', 'the server lets nobody in from this host', evidence)
  return failure(thrown, call, lost)
}

/**
 * Whether this is an authentication verdict: access denied (1045; 1698 without a password), or the account is locked (4151 on MariaDB,
 * 3118 on MySQL). Not 4150 and 3955, which only say that there were too many wrong passwords.
 */
export function isRejection(errno: number): boolean {
  return errno === 1045 || errno === 1698 || errno === 4151 || errno === 3118
}

/** The same answer; where it is about the connection and does not say which, with host and port, and nothing else of the URL. */
export function saidWhere<T>(answer: Answer<T>, { host, port }: Pick<Target, 'host' | 'port'>): Answer<T> {
  const unnamed = (answer.is === 'refused' || answer.is === 'unknown') && answer.about === undefined
  if (!unnamed || (answer.code !== 'UNREACHABLE' && answer.code !== 'DEADLINE')) return answer
  return { ...answer, about: placeLabel(host, port) }
}
