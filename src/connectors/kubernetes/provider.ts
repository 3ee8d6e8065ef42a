import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type Controllers, newControllers } from './provider-pods.ts'
import { forbidden, type Reply, type Status, statusOf } from './provider-status.ts'

/** A request as it came in; it may hold values. */
export interface Asked {
  readonly method: string
  /** With the query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** An object as the API has it. */
export interface Kept {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly creationTimestamp: string
    readonly resourceVersion: string
    readonly generation?: number
    readonly labels?: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly { readonly uid: string; readonly controller: boolean; readonly kind: string; readonly name: string }[]
    readonly [more: string]: unknown
  }
  readonly [more: string]: unknown
}

/** An API server in this process: Secrets, workloads and their pods, with the controllers behind them, as Kubernetes 1.36 has them. */
export interface FakeApi {
  readonly token: string
  /** By `kind/namespace/name`. */
  readonly objects: ReadonlyMap<string, Kept>
  /** Rights that the token does not have: `patch secrets`, `create pods/exec`. */
  readonly denied: Set<string>
  /** Methods and paths with their queries, as anybody could see them. */
  readonly seen: string[]
  /** From now on every request is met with this. */
  trouble: 'error' | 'reset' | 'slow' | undefined
  readonly controllers: Controllers
  get(kind: string, name: string): Kept | undefined
  /** Puts it there as it is, with what a server adds. */
  put(kind: string, name: string, object: object): Kept
  drop(kind: string, name: string): void
  answer(asked: Asked): Promise<Reply>
  /** Who may not do it, or undefined. */
  refusal(authorization: string | undefined, verb: string, kind: string, name: string | undefined): Status | undefined
}

export const NAMESPACE = 'atlas'

/** Whole seconds, as all times of the API. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

export function newApi(token: string): FakeApi {
  const objects = new Map<string, Kept>()
  let revision = 100
  const key = (kind: string, name: string): string => `${kind}/${NAMESPACE}/${name}`

  const put = (kind: string, name: string, object: object): Kept => {
    revision += 1
    const before = objects.get(key(kind, name))
    const given = object as Partial<Kept>
    const now = timestamp(Date.now())
    const isWorkload = ['deployments', 'statefulsets', 'daemonsets'].includes(kind)
    const isSame = before !== undefined && JSON.stringify(before['spec']) === JSON.stringify(given['spec'])
    const generation = isWorkload ? { generation: (before?.metadata.generation ?? 0) + (isSame ? 0 : 1) } : {}
    const kept: Kept = {
      ...given,
      metadata: {
        uid: randomUUID(), creationTimestamp: now, ...given.metadata, ...generation, name, namespace: NAMESPACE, resourceVersion: String(revision),
        ...(kind === 'secrets' ? { managedFields: [{ manager: 'keyturn', operation: 'Update', time: now, fieldsV1: { 'f:data': {} } }] } : {}),
      },
    }
    objects.set(key(kind, name), kept)
    return kept
  }

  const api: FakeApi = {
    token, objects, denied: new Set(), seen: [], trouble: undefined, put,
    controllers: newControllers(),
    get: (kind, name) => objects.get(key(kind, name)),
    drop: (kind, name) => { objects.delete(key(kind, name)) },
    refusal: (authorization, verb, kind, name) => {
      if (authorization !== `Bearer ${token}`) return { code: 401, reason: 'Unauthorized', message: 'Unauthorized' }
      return api.denied.has(`${verb} ${kind}`) ? forbidden(verb, kind, name) : undefined
    },
    answer: async (asked) => {
      api.seen.push(`${asked.method} ${asked.url}`)
      if (api.trouble === 'slow') return new Promise(() => undefined)
      if (api.trouble === 'reset') throw new Error('reset')
      if (api.trouble === 'error') return statusOf({ code: 500, reason: 'InternalError', message: 'etcdserver: leader changed' })
      return answerIn(api, asked)
    },
  }
  return api
}

function answerIn(api: FakeApi, { method, url, headers, body }: Asked): Reply {
  const { pathname, searchParams } = new URL(url, 'http://kubernetes')
  if (pathname.endsWith('/selfsubjectaccessreviews')) return review(api, headers.authorization, JSON.parse(body.toString('utf8')))
  const [, kind = '', name] = /\/namespaces\/[^/]+\/([a-z]+)(?:\/([^/]+))?$/.exec(pathname) ?? []
  const verb = method === 'GET' ? (name === undefined ? 'list' : 'get') : ({ PATCH: 'patch', POST: 'create', DELETE: 'delete' }[method] ?? '')
  const refusal = api.refusal(headers.authorization, verb, kind, name)
  if (refusal !== undefined) return statusOf(refusal)
  if (!['secrets', 'deployments', 'statefulsets', 'daemonsets', 'replicasets', 'pods'].includes(kind)) return { status: 404, body: '404 page not found\n' }
  if (verb === 'list') return list(api, kind, searchParams)
  if (verb === 'create') return create(api, kind, JSON.parse(body.toString('utf8')))
  const there = name === undefined ? undefined : api.get(kind, name)
  if (name === undefined || there === undefined) return statusOf({ code: 404, reason: 'NotFound', message: `${kind} "${name ?? ''}" not found` })
  if (verb === 'patch') return patch(api, kind, there, JSON.parse(body.toString('utf8')), headers['content-type'])
  if (verb === 'delete') return remove(api, kind, there, body.length === 0 ? {} : JSON.parse(body.toString('utf8')))
  if (kind !== 'secrets') api.controllers.step(api)
  const now = api.get(kind, name) ?? there
  const isPartial = headers.accept?.includes('as=PartialObjectMetadata') === true
  return ok(isPartial ? { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: now.metadata } : now)
}

function ok(body: object, status = 200): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

function review(api: FakeApi, authorization: string | undefined, asked: { readonly spec: { readonly resourceAttributes: Readonly<Record<string, string | undefined>> } }): Reply {
  const { verb = '', resource = '', subresource, name } = asked.spec.resourceAttributes
  const refusal = api.refusal(authorization, verb, subresource === undefined ? resource : `${resource}/${subresource}`, name)
  return refusal?.code === 401 ? statusOf(refusal) : ok({ ...asked, status: { allowed: refusal === undefined } }, 201)
}

function list({ objects }: FakeApi, kind: string, query: URLSearchParams): Reply {
  const wanted = (query.get('labelSelector') ?? '').split(',').filter((each) => each !== '').map((each) => each.split('='))
  const all = [...objects].filter(([key, { metadata }]) => key.startsWith(`${kind}/`) && wanted.every(([label = '', value]) => metadata.labels?.[label] === value)).map(([, object]) => object)
  const [from, limit] = [Number(query.get('continue') ?? 0), Number(query.get('limit') ?? all.length)]
  const next = from + limit < all.length ? { continue: String(from + limit) } : {}
  return ok({ kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '1', ...next }, items: all.slice(from, from + limit) })
}

function create(api: FakeApi, kind: string, object: Kept): Reply {
  const { name } = object.metadata
  if (api.get(kind, name) !== undefined) return statusOf({ code: 409, reason: 'AlreadyExists', message: `${kind} "${name}" already exists` })
  return ok(api.put(kind, name, object), 201)
}

function patch(api: FakeApi, kind: string, there: Kept, change: Readonly<Record<string, unknown>>, type: string | undefined): Reply {
  if (type !== 'application/merge-patch+json') return statusOf({ code: 415, reason: 'UnsupportedMediaType', message: 'the body of the request was in an unknown format' })
  const { name, uid, resourceVersion } = there.metadata
  const { metadata: asked = {} } = change as { readonly metadata?: { readonly resourceVersion?: string; readonly uid?: string } }
  const isOld = asked.resourceVersion !== undefined && asked.resourceVersion !== resourceVersion
  if (isOld) return statusOf({ code: 409, reason: 'Conflict', message: `Operation cannot be fulfilled on ${kind} "${name}": the object has been modified; please apply your changes to the latest version and try again` })
  if (asked.uid !== undefined && asked.uid !== uid) return statusOf({ code: 422, reason: 'Invalid', message: `Secret "${name}" is invalid: metadata.uid: Invalid value: "${asked.uid}": field is immutable`, field: 'metadata.uid' })
  const merged = merge(there, change) as Kept
  // What changes nothing makes no new revision.
  if (JSON.stringify(merged) === JSON.stringify(there)) return ok(there)
  if (there['immutable'] === true) return statusOf({ code: 422, reason: 'Invalid', message: `Secret "${name}" is invalid: data: Forbidden: field is immutable when \`immutable\` is set`, field: 'data' })
  return ok(api.put(kind, name, merged))
}

function remove(api: FakeApi, kind: string, { metadata: { name, uid } }: Kept, options: { readonly preconditions?: { readonly uid?: string } }): Reply {
  if (options.preconditions?.uid !== undefined && options.preconditions.uid !== uid) {
    return statusOf({ code: 409, reason: 'Conflict', message: `Operation cannot be fulfilled on ${kind} "${name}": the UID in the precondition (${options.preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated` })
  }
  if (kind === 'pods') api.controllers.end(api, name)
  else api.drop(kind, name)
  return ok({ kind: 'Status', status: 'Success' })
}

/** RFC 7386. */
function merge(target: unknown, change: unknown): unknown {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) return change
  const merged: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete merged[key]
    else merged[key] = merge(merged[key], value)
  }
  return merged
}
