import type { z } from 'zod'
import { type Answer, done, placeLabel, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Code } from '../../kit/code.ts'
import { Secret } from '../../kit/secret.ts'
import { type HttpRequest, type HttpResponse, request } from '../../outside/http/index.ts'

/** A Vault and what shows it who asks. */
export interface Door {
  readonly address: string
  readonly namespace?: string | undefined
  /** Absent for what needs none: a login. */
  readonly token?: Secret
}

/** One thing to ask. The path has no values in it: Vault writes paths into its log as they are. */
export interface Asked {
  readonly method: HttpRequest['method']
  /** Without `v1/`; its parts are percent-encoded here. */
  readonly path: string
  /** Reads the names below the path: Vault's LIST, as every client can send it. */
  readonly list?: true
  /** Written as JSON; a Secret is JSON already. May hold values. */
  readonly body?: object | Secret
}

/** Time to ask within. */
export type Time = Pick<Call, 'signal'>

/** Asks, with whatever status it answers; what goes wrong on the way is as for {@link request}. */
export async function send({ address, namespace, token }: Door, asked: Asked, call: Time): Promise<Answer<HttpResponse>> {
  const path = asked.path.split('/').map(encodeURIComponent).join('/')
  const { body } = asked
  return request(
    {
      method: asked.method,
      url: `${address.replace(/\/+$/, '')}/v1/${path}${asked.list === true ? '?list=true' : ''}`,
      headers: {
        accept: 'application/json',
        // Vault refuses requests of forms and images to it; its own clients send this with everything.
        'x-vault-request': 'true',
        ...(token === undefined ? {} : { 'x-vault-token': token }),
        ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
        ...(body === undefined ? {} : { 'content-type': asked.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: body instanceof Secret ? body : new Secret(JSON.stringify(body)) }),
    },
    call,
  )
}

/** What a status means where Vault says no more. https://developer.hashicorp.com/vault/api-docs#http-status-codes */
const REFUSALS: ReadonlyMap<number, Code> = new Map<number, Code>([
  [404, 'PRINCIPAL_MISSING'],
  [412, 'UNREACHABLE'],
  [429, 'RATE_LIMITED'],
])

/**
 * What an answer means for the request. 2xx is done. A sealed Vault looks at no request, and a standby that sends elsewhere has not
 * either: both are refused with UNREACHABLE, which the engine tries again for a while. Any other 5xx leaves open what happened.
 */
export function outcomeOf(response: HttpResponse, door: Pick<Door, 'address'>, asked: Pick<Asked, 'method' | 'path' | 'list'>): Answer<HttpResponse> {
  const { status } = response
  const place = placeOf(door)
  if (status >= 200 && status < 300) return done(response)
  if (status === 503 && says(response, /sealed/i)) return refused('UNREACHABLE', `Vault at ${place} is sealed: unseal it`, { status, sealed: true })
  if (status === 307) return refused('UNREACHABLE', `${place} is a standby that does not pass requests on: name the address of the active node`, { status })
  const what = `${asked.list === true ? 'LIST' : asked.method} ${asked.path} at ${place}`
  if (status === 403) {
    return says(response, /invalid token|bad token|token (?:has )?expired/i) ? refused('ADMIN_REJECTED', place, { status }) : refused('RIGHTS_MISSING', what, { status })
  }
  if (status >= 400 && status < 500 && status !== 408) return refused(REFUSALS.get(status) ?? 'REQUEST_REFUSED', what, { status })
  return unknown('SERVER_ERROR', what, { status })
}

/** {@link send} and {@link outcomeOf}: only 2xx is done. */
export async function ask(door: Door, asked: Asked, call: Time): Promise<Answer<HttpResponse>> {
  const answer = await send(door, asked, call)
  return answer.is === 'done' ? outcomeOf(answer.value, door, asked) : answer
}

/** The document of an answer, which is never quoted: it may hold a value. */
export function read<T>(response: HttpResponse, schema: z.ZodType<T>, door: Pick<Door, 'address'>): Answer<T> {
  const parsed = schema.safeParse(documentOf(response))
  return parsed.success ? done(parsed.data) : unknown('RESPONSE_UNFIT', placeOf(door), { status: response.status })
}

/** Whether the errors in an answer say this. They are matched and never passed on: some repeat what was sent. */
export function says(response: Pick<HttpResponse, 'text' | 'complete'>, pattern: RegExp): boolean {
  const document = documentOf(response)
  const errors: unknown = typeof document === 'object' && document !== null && 'errors' in document ? document.errors : []
  return Array.isArray(errors) && errors.some((error) => typeof error === 'string' && pattern.test(error))
}

/** Host and port, for messages and names. */
export function placeOf({ address }: Pick<Door, 'address'>): string {
  if (!URL.canParse(address)) return 'no address'
  const { hostname, port, protocol } = new URL(address)
  return placeLabel(hostname.replaceAll(/[[\]]/g, ''), port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port))
}

/** Undefined when it is no JSON, or not whole. */
function documentOf({ text, complete }: Pick<HttpResponse, 'text' | 'complete'>): unknown {
  if (!complete) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
