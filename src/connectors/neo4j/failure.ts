import { type Answer, type Call, KeyturnError, placeLabel, reduceCause, refused, unknown } from '../../kit/index.ts'
import type { Target } from './target.ts'

/**
 * The server's own word for an error without its beginning: `ClientError.Security.Unauthorized`. Undefined for what the driver says by
 * itself. https://neo4j.com/docs/status-codes/current/errors/all-errors/
 */
export function codeOf(thrown: unknown): string | undefined {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  return typeof code === 'string' ? /^Neo\.(\w+\.\w+\.\w+)$/.exec(code)?.[1] : undefined
}

/** The same, or a word for an error of the connection. */
export function wordOf(thrown: unknown): string {
  const { code } = reduceCause(thrown)
  return codeOf(thrown) ?? (code !== undefined && /^\w{3,40}$/.test(code) ? code : 'ServiceUnavailable')
}

/** The name or the password is wrong, or the user is turned off: the server says one thing of all three. */
export const UNAUTHORIZED = 'ClientError.Security.Unauthorized'

/** Too many wrong passwords in a row: not even the right one is looked at for a while. */
export const RATE_LIMIT = 'ClientError.Security.AuthenticationRateLimit'

const FULL = 'TransientError.Request.NoThreadsAvailable'

/** Whether no thread was free. Before a login is over the driver tells only the text of it. */
function isFull(thrown: unknown): boolean {
  return codeOf(thrown) === FULL || (wordOf(thrown) === 'ProtocolError' && thrown instanceof Error && /no available threads/.test(thrown.message))
}

/**
 * What an error means. `lost` says how to answer when the server gave no verdict: `refused` as long as nothing that could have an
 * effect was sent, `unknown` otherwise and for reads.
 */
export function failure(thrown: unknown, call: Call, lost: 'refused' | 'unknown', place?: Pick<Target, 'host' | 'port'>): Answer<never> {
  if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
  const about = place === undefined ? undefined : placeLabel(place.host, place.port)
  const lostAnswer = lost === 'refused' ? refused : unknown
  if (call.signal.aborted) return lostAnswer('DEADLINE', about)
  const code = codeOf(thrown)
  const evidence = { code: wordOf(thrown) }
  // Refused before it was run: https://neo4j.com/docs/operations-manual/current/performance/bolt-thread-pool-configuration/
  if (isFull(thrown)) return refused('SLOTS_FULL', 'the server has no thread left to serve a connection (server.bolt.thread_pool_max_size)', evidence)
  if (code === undefined) return lostAnswer('UNREACHABLE', about, evidence)
  if (code === UNAUTHORIZED) return refused('ADMIN_REJECTED', about, evidence)
  if (code === RATE_LIMIT) return lostAnswer('RATE_LIMITED', 'too many wrong passwords of the admin in a row', evidence)
  if (code === 'ClientError.Security.CredentialsExpired') return refused('ADMIN_REJECTED', 'the password of the admin must be changed first (ALTER CURRENT USER SET PASSWORD)', evidence)
  if (code === 'ClientError.Security.Forbidden') return refused('RIGHTS_MISSING', 'the server denied a command to the admin', evidence)
  if (code === 'ClientError.Procedure.ProcedureNotFound') {
    return refused('RIGHTS_MISSING', 'the server does not load dbms.listConnections and dbms.killConnections; add them to dbms.security.procedures.allowlist', evidence)
  }
  if (/^(ClientError\.Cluster\.NotALeader|ClientError\.General\.(ForbiddenOnReadOnlyDatabase|WriteOnReadOnlyAccessDatabase))$/.test(code)) {
    return refused('UNREACHABLE', 'this server does not lead the database system; give the admin a neo4j:// URL', evidence)
  }
  // The text of what was asked does not suit this server; nothing of it was run.
  if (code.startsWith('ClientError.Statement.')) return refused('REQUEST_REFUSED', undefined, evidence)
  return unknown('SERVER_ERROR', about, evidence)
}
