import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import { Secret } from '../../kit/secret.ts'
import { type HttpRequest, type HttpResponse, request } from './request.ts'

/** One request of an admin to a provider's JSON API; `token` goes as `Authorization: Bearer`. */
export interface AdminRequest {
  readonly method: HttpRequest['method']
  /** No value in it. */
  readonly url: string
  readonly token: Secret
  /** Holds values at times: it is made a text right before it is sent. */
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

/** What the provider said to an admin that it knows and that may ask. */
export interface AdminReply {
  /** 2xx, or a 4xx that is about the request: 400, 404, 409, 422 and the like. */
  readonly status: number
  /** Undefined when it is no JSON, or not whole. Never to be passed on into errors, evidence or logs. */
  readonly document: unknown
  /** The provider's clock, unix ms; absent when it shows none. */
  readonly date?: number
}

/**
 * Asks as an admin. `refused` ADMIN_REJECTED for 401, RIGHTS_MISSING for 403, RATE_LIMITED for 429; `unknown` SERVER_ERROR for 5xx, 408
 * and redirects; what goes wrong on the way is as for {@link request}. `about` names what was asked, in keyturn's own words.
 */
export async function askAdmin({ method, url, token, body, headers }: AdminRequest, about: string, call: Pick<Call, 'signal'>): Promise<Answer<AdminReply>> {
  const answer = await request({
    method, url,
    headers: { accept: 'application/json', ...headers, authorization: new Secret(`Bearer ${token.reveal()}`), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: new Secret(JSON.stringify(body)) }),
  }, call)
  if (answer.is !== 'done') return answer
  const { status, date } = answer.value
  if (status === 401) return refused('ADMIN_REJECTED', about, { status })
  if (status === 403) return refused('RIGHTS_MISSING', about, { status })
  if (status === 429) return refused('RATE_LIMITED', about, { status })
  if (status >= 500 || status === 408 || (status >= 300 && status < 400)) return unknown('SERVER_ERROR', about, { status })
  return done({ status, document: documentOf(answer.value), ...(date === undefined ? {} : { date }) })
}

/** Undefined when it is no JSON, or not whole. */
export function documentOf({ text, complete }: Pick<HttpResponse, 'text' | 'complete'>): unknown {
  if (!complete) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a reference brings in, at the moment of use; `refused` with its code when it does not resolve. */
export async function resolved(text: string, host: Pick<Host, 'resolve'>, call: Call): Promise<Answer<Secret>> {
  try {
    return done(await host.resolve(text, call))
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    throw thrown
  }
}

/** Of a look before any effect: whatever it did not tell, nothing was done. */
export function undone(answer: Exclude<Answer<unknown>, { readonly is: 'done' }>): Answer<never> {
  return answer.is === 'unknown' ? refused(answer.code, answer.about, answer.evidence) : answer
}
