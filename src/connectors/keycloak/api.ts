import { z } from 'zod'
import { type Answer, refused, unknown } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import { Secret } from '../../kit/secret.ts'
import { type HttpResponse, request } from '../../outside/http/index.ts'
import { type Entered, enter, leave } from './admin.ts'
import type { IssuerConfig } from './manifest.ts'
import { adminUrl, placeOf } from './place.ts'
import { codeOf, documentOf } from './token.ts'

/** Thrown inside of the connector to end what is under way with this answer; never leaves it. */
export class Stopped extends Error {
  readonly answer: Answer<never>

  constructor(answer: Answer<never>) {
    super('stopped')
    this.answer = answer
  }
}

/** A thing of the realm by its path. */
export interface Thing {
  readonly path: readonly string[]
  readonly query?: Readonly<Record<string, string>>
  /** The role that is needed, for who lacks it: `manage-clients`. */
  readonly role: string
  /** A change of it is none of what is rotated: whatever becomes of it, nothing was done. */
  readonly aside?: true
}

/** The Admin REST API of one realm, for one call. https://www.keycloak.org/docs-api/latest/rest-api/index.html */
export interface Api {
  /** Reads; undefined when there is none. Throws {@link Stopped}. */
  get<T>(schema: z.ZodType<T>, thing: Thing): Promise<T | undefined>
  /** Has an effect; `false` when there is no such thing, which a DELETE takes for done. Throws {@link Stopped}, also when Keycloak refuses it. */
  change(method: 'POST' | 'PUT' | 'DELETE', thing: Thing, body?: object): Promise<boolean>
}

/** What a body does with the API at hand. `lost`: what a failure before any effect is, `refused` where the body has effects at all. */
export interface Work<T> {
  readonly lost: 'refused' | 'unknown'
  body(api: Api): Promise<Answer<T>>
}

/**
 * Logs the admin in, does the work and logs out again. What gives no verdict is `unknown` from the moment that an effect was sent;
 * before that it is what `lost` says: nothing was done.
 */
export async function withApi<T>(config: Pick<IssuerConfig, 'url' | 'admin' | 'realm'>, host: Pick<Host, 'resolve' | 'conceal'>, call: Call, { lost, body }: Work<T>): Promise<Answer<T>> {
  const place = placeOf(config.url)
  if (call.signal.aborted) return refused('DEADLINE', place)
  let sent = false
  const blank = (answer: Answer<unknown>): Stopped => {
    const { code, about, evidence } = answer.is === 'unknown' || answer.is === 'refused' ? answer : { code: 'INTERNAL' as const }
    const is = sent ? 'unknown' : answer.is === 'refused' ? 'refused' : lost
    return new Stopped((is === 'unknown' ? unknown : refused)(code, about, evidence))
  }
  const ask = async (entered: Entered, method: 'GET' | 'POST' | 'PUT' | 'DELETE', { path, query, role }: Thing, content?: object): Promise<HttpResponse> => {
    const answer = await request({
      method, url: adminUrl(config.url, config.realm, path, query),
      headers: { accept: 'application/json', authorization: new Secret(`Bearer ${entered.access.reveal()}`), ...(content === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(content === undefined ? {} : { body: new Secret(JSON.stringify(content)) }),
    }, call)
    if (answer.is === 'refused') throw new Stopped(answer)
    if (answer.is !== 'done') throw blank(answer)
    const { status } = answer.value
    if (status < 300 || status === 404) return answer.value
    const what = `${method} ${path.map((part) => (/^[0-9a-f-]{36}$/.test(part) ? '{id}' : part)).join('/') || 'settings'} of realm ${config.realm} at ${place}`
    throw status >= 500 || status === 408 || status < 400 ? blank(unknown('SERVER_ERROR', what, { status })) : new Stopped(refusal(answer.value, what, roleOf(config, role)))
  }
  try {
    const entered = await enter(config, host, call)
    if (entered.is !== 'done') return blank(entered).answer
    const api: Api = {
      async get(schema, thing) {
        const response = await ask(entered.value, 'GET', thing)
        if (response.status === 404) return undefined
        const parsed = schema.safeParse(documentOf(response))
        if (!parsed.success) throw blank(unknown('RESPONSE_UNFIT', `${thing.path[0] ?? 'realm'} at ${place}`, { status: response.status }))
        return parsed.data
      },
      async change(method, thing, content) {
        if (call.signal.aborted) throw blank(unknown('DEADLINE', place))
        // Only what certainly was not carried out leaves this as it is.
        const before = sent
        sent ||= thing.aside !== true
        try {
          return (await ask(entered.value, method, thing, content)).status !== 404
        } catch (thrown) {
          if (thrown instanceof Stopped && thrown.answer.is === 'refused') sent = before
          throw thrown
        }
      },
    }
    try {
      return await body(api)
    } finally {
      await leave(config, entered.value, call)
    }
  } catch (thrown) {
    // What was sent before stays sent, even where this one was refused.
    if (thrown instanceof Stopped) return sent ? blank(thrown.answer).answer : thrown.answer
    if (thrown instanceof KeyturnError) return blank(refused(thrown.code, thrown.about)).answer
    throw thrown
  }
}

/** The role with the client that has it: in the realm itself one, in `master` one for each realm. */
export function roleOf({ admin, realm }: Pick<IssuerConfig, 'admin' | 'realm'>, role: string): string {
  return `${role} (of ${admin.realm === 'master' ? `${realm}-realm in master` : 'realm-management'})`
}

const errorSchema = z.object({ error: z.string() })

/** A request that Keycloak refused. Its code is told, its text is not: it may repeat what was sent. */
function refusal(response: HttpResponse, what: string, role: string): Answer<never> {
  const { status } = response
  const parsed = errorSchema.safeParse(documentOf(response))
  const evidence = { status, ...(parsed.success ? { error: codeOf(parsed.data.error) } : {}) }
  if (status === 401) return refused('ADMIN_REJECTED', what, evidence)
  if (status === 403) return refused('RIGHTS_MISSING', `the role ${role}, for ${what}`, evidence)
  return refused(status === 429 ? 'RATE_LIMITED' : 'REQUEST_REFUSED', what, evidence)
}
