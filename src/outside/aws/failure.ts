import { type Answer, label, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Code } from '../../kit/code.ts'
import { KeyturnError, reduceCause } from '../../kit/error.ts'

/**
 * What the errors mean that every service has; each is answered before anything is done.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
 */
const COMMON: ReadonlyMap<string, Code> = new Map<string, Code>([
  ...[
    'InvalidClientTokenId', 'UnrecognizedClientException', 'SignatureDoesNotMatch', 'InvalidSignatureException', 'InvalidAccessKeyId',
    'ExpiredToken', 'ExpiredTokenException', 'IncompleteSignature', 'MissingAuthenticationToken', 'InvalidToken',
  ].map((name) => [name, 'ADMIN_REJECTED'] as const),
  ...['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation', 'NotAuthorized'].map((name) => [name, 'RIGHTS_MISSING'] as const),
  ...['Throttling', 'ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded', 'TooManyUpdates'].map((name) => [name, 'RATE_LIMITED'] as const),
  ['RequestExpired', 'CLOCK_WRONG'],
])

/** What the network says before anything was sent. */
const UNSENT: readonly string[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']

/** The name of the error, as the service says it; undefined for what the service did not say. */
export function errorNameOf(thrown: unknown): string | undefined {
  return statusOf(thrown) === undefined || !(thrown instanceof Error) ? undefined : thrown.name
}

function statusOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('$metadata' in thrown)) return undefined
  const { $metadata } = thrown
  if (typeof $metadata !== 'object' || $metadata === null || !('httpStatusCode' in $metadata)) return undefined
  return typeof $metadata.httpStatusCode === 'number' ? $metadata.httpStatusCode : undefined
}

/** Whether the service rejects a signature for its time: a word about a clock, not about a credential. */
export function isAboutTime(thrown: unknown): boolean {
  return thrown instanceof Error && /^Signature (expired|not yet current)/.test(thrown.message)
}

/**
 * What is thrown by a client of the SDK, as an answer. `meanings` are the service's own errors. A 5xx, a timeout and a cut connection
 * are unknown. Throws again what is a mistake of ours.
 */
export function failureOf(thrown: unknown, about: string, call: Pick<Call, 'signal'>, meanings: Readonly<Record<string, Code>> = {}): Answer<never> {
  if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
  if (!(thrown instanceof Error)) throw thrown
  const [status, { name, code }] = [statusOf(thrown), reduceCause(thrown)]
  if (status === undefined) {
    if (name === 'CredentialsProviderError') return refused('ADMIN_REJECTED', `${about}: the credential chain gives nothing`)
    if (code !== undefined && UNSENT.includes(code)) return refused('UNREACHABLE', about, { cause: code })
    return call.signal.aborted ? unknown('DEADLINE', about) : unknown('UNREACHABLE', about, { cause: code ?? label(name) })
  }
  const evidence = { status, code: label(name) }
  const meant = isAboutTime(thrown) ? 'CLOCK_WRONG' : (meanings[name] ?? COMMON.get(name))
  if (meant !== undefined) return refused(meant, about, evidence)
  if (status >= 500) return unknown('SERVER_ERROR', about, evidence)
  return refused(status === 429 ? 'RATE_LIMITED' : 'REQUEST_REFUSED', about, evidence)
}
