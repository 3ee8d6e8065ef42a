import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Code } from '../../kit/code.ts'
import { type HttpResponse, isOneOf, type Matcher } from '../../outside/http/index.ts'
import type { Refusal } from './refusal.ts'

/** What a status means where the manifest does not say. RFC 9110, section 15.5; RFC 6585, section 4. */
const USUAL: ReadonlyMap<number, Code> = new Map<number, Code>([
  [401, 'ADMIN_REJECTED'],
  [403, 'RIGHTS_MISSING'],
  [404, 'PRINCIPAL_MISSING'],
  [409, 'CONFLICT'],
  [429, 'RATE_LIMITED'],
])

/**
 * What an answer means for the request: 2xx and what says that it is so already are done; a 4xx says that the server did not act
 * on the request; everything else (5xx, 408, a redirect, which may follow an effect) leaves open what happened.
 */
export function outcomeOf(
  response: HttpResponse,
  means: { readonly already?: readonly Matcher[] | undefined; readonly refusals: readonly Refusal[] },
  about: string,
): Answer<HttpResponse> {
  const { status } = response
  if (isOneOf(means.already ?? [], response)) return done(response)
  const declared = means.refusals.find((refusal) => isOneOf([refusal], response))
  if (declared !== undefined) return refused(declared.code, about, { status })
  if (status >= 200 && status < 300) return done(response)
  if (status >= 400 && status < 500 && status !== 408) return refused(USUAL.get(status) ?? 'REQUEST_REFUSED', about, { status })
  return unknown('SERVER_ERROR', about, { status })
}
