import { z } from 'zod'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import { type HttpResponse, request } from '../../outside/http/index.ts'
import { placeOf, realmUrl } from './place.ts'

/** What the token endpoint said. https://datatracker.ietf.org/doc/html/rfc6749#section-5.2 */
export interface TokenReply {
  readonly status: number
  /** Its own code for what went wrong: `invalid_grant`. */
  readonly error?: string
  readonly access?: Secret
  /** There when a session was begun. */
  readonly refresh?: Secret
}

const replySchema = z.object({ error: z.string().optional(), access_token: z.string().optional(), refresh_token: z.string().optional() })

/** Time to ask within. */
export type Time = Pick<Call, 'signal'>

/**
 * One request to the token endpoint of a realm; any verdict of Keycloak is done. `refused` PRINCIPAL_MISSING when there is no such realm,
 * `unknown` SERVER_ERROR and RESPONSE_UNFIT when it is no verdict; what goes wrong on the way is as for {@link request}.
 */
export async function askToken(base: string, realm: string, form: Readonly<Record<string, string | Secret>>, call: Time): Promise<Answer<TokenReply>> {
  const answer = await post(base, realm, 'token', form, call)
  if (answer.is !== 'done') return answer
  const { status } = answer.value
  if (status === 404) return refused('PRINCIPAL_MISSING', `realm ${realm} at ${placeOf(base)}`, { status })
  if (status === 429) return refused('RATE_LIMITED', placeOf(base), { status })
  if (status >= 500 || status === 408) return unknown('SERVER_ERROR', placeOf(base), { status })
  const parsed = replySchema.safeParse(documentOf(answer.value))
  if (!parsed.success) return unknown('RESPONSE_UNFIT', placeOf(base), { status })
  const { error, access_token: access, refresh_token: refresh } = parsed.data
  return done({
    status,
    ...(error === undefined ? {} : { error: codeOf(error) }),
    ...(access === undefined ? {} : { access: new Secret(access) }),
    ...(refresh === undefined ? {} : { refresh: new Secret(refresh) }),
  })
}

/** Ends the session of a login of our own, as well as that goes: one that stays ends by itself, idle. */
export async function endSession(base: string, realm: string, form: Readonly<Record<string, string | Secret>>, call: Time): Promise<void> {
  await post(base, realm, 'logout', form, call)
}

/** A code of Keycloak as it is; whatever else stands there is not told. */
export function codeOf(error: string): string {
  return /^\w{1,64}$/.test(error) ? error : 'error'
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

function post(base: string, realm: string, what: 'token' | 'logout', form: Readonly<Record<string, string | Secret>>, call: Time): Promise<Answer<HttpResponse>> {
  const pairs = new URLSearchParams(Object.entries(form).map(([key, value]): [string, string] => [key, typeof value === 'string' ? value : value.reveal()]))
  return request({
    method: 'POST', url: `${realmUrl(base, realm)}/protocol/openid-connect/${what}`,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: new Secret(pairs.toString()),
  }, call)
}
