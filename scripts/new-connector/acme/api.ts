import type { z } from 'zod'
import { type Answer, type Call, type Code, done, type Host, KeyturnError, refused, Secret, unknown } from '../../../src/kit/index.ts'
import { type HttpRequest, type HttpResponse, request } from '../../../src/outside/http/index.ts'

/** Where Acme is, and what it knows us by. */
export interface Access {
  readonly url: string
  readonly token: string
}

/** One thing to ask of Acme. */
export interface Asked {
  readonly method: HttpRequest['method']
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Written as JSON. May hold values: it goes to the wire and nowhere else. */
  readonly body?: unknown
}

/** What a 4xx means: Acme did not act. Take it from the provider's list of errors; the codes are in docs/errors.md. */
const REFUSALS: ReadonlyMap<number, Code> = new Map<number, Code>([
  [401, 'ADMIN_REJECTED'],
  [403, 'RIGHTS_MISSING'],
  [404, 'PRINCIPAL_MISSING'],
  [409, 'SLOTS_FULL'],
  [412, 'CONFLICT'],
  [429, 'RATE_LIMITED'],
])

/**
 * One request to Acme, and what it answers. Everything that can go wrong is in the answer: `refused` when nothing can have
 * happened, `unknown` when something may have, which is every 5xx and every silence after the request was sent.
 */
export async function ask<T>(access: Access, asked: Asked, schema: z.ZodType<T>, host: Pick<Host, 'resolve'>, call: Pick<Call, 'signal' | 'deadline'>): Promise<Answer<T>> {
  try {
    const token = await host.resolve(access.token, call)
    const answer = await request(
      {
        method: asked.method,
        url: `${access.url.replace(/\/+$/, '')}${asked.path}`,
        headers: { accept: 'application/json', 'content-type': 'application/json', ...asked.headers, authorization: new Secret(`Bearer ${token.reveal()}`) },
        ...(asked.body === undefined ? {} : { body: new Secret(JSON.stringify(asked.body)) }),
      },
      call,
    )
    return answer.is === 'done' ? read(answer.value, schema, placeOf(access.url)) : answer
  } catch (thrown) {
    // A reference that does not resolve: nothing was sent.
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    throw thrown
  }
}

/** For messages and for the names of things: the host of a URL. */
export function placeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'no URL'
}

function read<T>({ status, text, complete }: HttpResponse, schema: z.ZodType<T>, about: string): Answer<T> {
  if (status >= 400 && status < 500 && status !== 408) return refused(REFUSALS.get(status) ?? 'REQUEST_REFUSED', about, { status })
  if (status < 200 || status >= 300) return unknown('SERVER_ERROR', about, { status })
  const parsed = schema.safeParse(complete ? documentOf(text) : undefined)
  // Never quote an answer: it may hold a value.
  return parsed.success ? done(parsed.data) : unknown('RESPONSE_UNFIT', about, { status })
}

/** Undefined when it is no JSON, as the empty answer is. */
function documentOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
