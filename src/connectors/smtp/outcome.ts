import { type Answer, refused, unknown } from '../../kit/answer.ts'
import type { Code } from '../../kit/code.ts'

/** A server's reply, or what went wrong without one. Texts of a server are never passed on: they may quote what it was sent. */
interface Failure {
  /** Of nodemailer: https://nodemailer.com/errors */
  readonly code?: unknown
  /** Of the server: RFC 5321, 4.2.3. */
  readonly responseCode?: unknown
}

const LOGIN: readonly unknown[] = ['EAUTH', 'ENOAUTH', 'EOAUTH2']

/**
 * What a failure means. `handed` says that the message itself was on its way: then only a reply tells that it was not taken. A reply of
 * 4xx passes by itself; one of 5xx is about the login or the addresses, or, once it was handed, about this very message.
 */
export function outcomeOf(thrown: unknown, handed: boolean, about: string): Answer<never> {
  const { code, responseCode }: Failure = typeof thrown === 'object' && thrown !== null ? thrown : {}
  const status = typeof responseCode === 'number' && responseCode >= 400 && responseCode < 600 ? responseCode : undefined
  if (LOGIN.includes(code)) return refused('NOTICE_REFUSED', about, { cause: 'login', ...(status === undefined ? {} : { status }) })
  if (status !== undefined) return refused(status < 500 ? 'RATE_LIMITED' : handed ? 'REQUEST_REFUSED' : 'NOTICE_REFUSED', about, { status })
  const cause: Code = code === 'ETIMEDOUT' ? 'DEADLINE' : 'UNREACHABLE'
  return handed ? unknown(cause, about) : refused('UNREACHABLE', about, { cause: typeof code === 'string' && /^[A-Z]{2,20}$/.test(code) ? code : 'none' })
}
