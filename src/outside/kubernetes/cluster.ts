import { z } from 'zod'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import { type HttpRequest, request } from '../http/index.ts'
import type { Connection } from './connection.ts'
import { isReason, type KubernetesResponse, outcomeOf, readAs, type Verb } from './outcome.ts'
import { pathOf, type Resource, resourceName, serverName } from './resource.ts'

/** So much of one answer is read; a page of pods is some MiB at most. */
const BODY_BYTES = 32 * 1024 * 1024

/** So many are asked for at once, as kubectl does. */
const PAGE = 500

/** Time to ask within. */
export type Time = Pick<Call, 'signal'>

/** Which of a kind are listed; all when absent. */
export interface Selectors {
  /** `app=web,tier in (a, b)` */
  readonly labels?: string
  /** `metadata.name=web` */
  readonly fields?: string
}

export interface Ask {
  readonly method: HttpRequest['method']
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON; may hold values. */
  readonly body?: object
  /** `application/json` when absent. */
  readonly type?: string
  readonly accept?: string
}

/**
 * The API of one cluster. Every request has a connection of its own, which ends at the deadline. What goes wrong on the way is as for
 * `request` of outside/http, and what the server says against it as for {@link outcomeOf}. Nothing throws.
 */
export interface Cluster {
  /** Host and port of the server, for messages. */
  readonly place: string
  readonly connection: Connection
  /** One request; any status is done. */
  ask(asked: Ask, call: Time): Promise<Answer<KubernetesResponse>>
  /** Undefined when it is not there; a kind that the server does not know is refused. `metadata`: only its metadata leave the server. */
  get<T>(resource: Resource, schema: z.ZodType<T>, call: Time, only?: 'metadata'): Promise<Answer<T | undefined>>
  list<T>(resource: Resource, schema: z.ZodType<T>, call: Time, which?: Selectors): Promise<Answer<readonly T[]>>
  /** RFC 7386: null takes away, lists are replaced whole. With `metadata.resourceVersion` in it, CONFLICT when that is no longer the one. */
  mergePatch<T>(resource: Resource, patch: object, schema: z.ZodType<T>, call: Time): Promise<Answer<T>>
  /** RFC 6902. */
  jsonPatch<T>(resource: Resource, patch: readonly object[], schema: z.ZodType<T>, call: Time): Promise<Answer<T>>
  /** One that is there already is CONFLICT with the reason `AlreadyExists`. */
  create<T>(resource: Resource, body: object, schema: z.ZodType<T>, call: Time): Promise<Answer<T>>
  /** Asks for its end, which may come later; done too when it is not there. `body` are DeleteOptions. */
  remove(resource: Resource, call: Time, body?: object): Promise<Answer<void>>
}

/** Opens nothing. */
export function openCluster(connection: Connection): Cluster {
  const { server, tls } = connection
  const place = serverName(server)

  const ask: Cluster['ask'] = async ({ method, path, query = {}, body, type = 'application/json', accept = 'application/json' }, call) => {
    const token = connection.token?.() ?? done(undefined)
    if (token.is !== 'done') return token
    const search = new URLSearchParams(query).toString()
    const answer = await request({
      method, most: BODY_BYTES,
      url: `${server}${path}${search === '' ? '' : `?${search}`}`,
      ...(server.startsWith('https:') ? { tls } : {}),
      headers: {
        accept, 'user-agent': 'keyturn',
        // The last line before the wire.
        ...(token.value === undefined ? {} : { authorization: new Secret(`Bearer ${token.value.reveal()}`) }),
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      ...(body === undefined ? {} : { body: new Secret(JSON.stringify(body)) }),
    }, call)
    if (answer.is !== 'done') return answer
    const { status, text, complete } = answer.value
    return complete ? done({ status, text }) : unknown('RESPONSE_UNFIT', place, { status })
  }

  /** {@link ask} about a resource: only 2xx is done. */
  const told = async (verb: Verb, resource: Resource, asked: Omit<Ask, 'path'>, call: Time): Promise<Answer<KubernetesResponse>> => {
    const answer = await ask({ ...asked, path: pathOf(resource) }, call)
    return answer.is === 'done' ? outcomeOf(answer.value, verb, resource, place) : answer
  }

  const writing = (verb: Verb, method: HttpRequest['method'], type: string) =>
    async <T>(resource: Resource, body: object, schema: z.ZodType<T>, call: Time): Promise<Answer<T>> => {
      const answer = await told(verb, resource, { method, body, type, query: { fieldManager: 'keyturn' } }, call)
      return answer.is === 'done' ? readAs(schema, answer.value, resource) : answer
    }

  return {
    place, connection, ask,
    async get(resource, schema, call, only) {
      const accept = only === undefined ? {} : { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' }
      const answer = await told('get', resource, { method: 'GET', ...accept }, call)
      if (isReason(answer, 'NotFound')) return done(undefined)
      return answer.is === 'done' ? readAs(schema, answer.value, resource) : answer
    },
    async list(resource, schema, call, { labels, fields } = {}) {
      const pageSchema = z.looseObject({ metadata: z.looseObject({ continue: z.string().optional() }), items: z.array(schema).nullish() })
      const selected = { ...(labels === undefined ? {} : { labelSelector: labels }), ...(fields === undefined ? {} : { fieldSelector: fields }) }
      const all = []
      for (let next: string | undefined = ''; next !== undefined;) {
        const query: Readonly<Record<string, string>> = { limit: String(PAGE), ...selected, ...(next === '' ? {} : { continue: next }) }
        const answer = await told('list', resource, { method: 'GET', query }, call)
        const page = answer.is === 'done' ? readAs(pageSchema, answer.value, resource) : answer
        if (page.is !== 'done') return page
        all.push(...(page.value.items ?? []))
        next = page.value.metadata.continue === '' ? undefined : page.value.metadata.continue
      }
      return done(all)
    },
    mergePatch: writing('patch', 'PATCH', 'application/merge-patch+json'),
    jsonPatch: writing('patch', 'PATCH', 'application/json-patch+json'),
    create: writing('create', 'POST', 'application/json'),
    async remove(resource, call, body) {
      if (resource.name === undefined) return refused('INTERNAL', resourceName(resource))
      const answer = await told('delete', resource, { method: 'DELETE', ...(body === undefined ? {} : { body }) }, call)
      return answer.is === 'done' || isReason(answer, 'NotFound') ? done(undefined) : answer
    },
  }
}
