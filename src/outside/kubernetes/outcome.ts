import { z } from 'zod'
import { type Answer, done, type Evidence, label, refused, unknown } from '../../kit/answer.ts'
import { type Resource, resourceName } from './resource.ts'

/** What a server answered. */
export interface KubernetesResponse {
  readonly status: number
  /** May hold values: to be read with a schema, never to be passed on. */
  readonly text: string
}

/** The words of RBAC. */
export type Verb = 'get' | 'list' | 'create' | 'patch' | 'update' | 'delete'

const statusSchema = z.looseObject({
  kind: z.literal('Status'),
  reason: z.string().default(''),
  message: z.string().default(''),
  details: z.looseObject({ causes: z.array(z.looseObject({ field: z.string().optional() })).nullish() }).nullish(),
})

/**
 * What an answer means for a request (https://kubernetes.io/docs/reference/using-api/api-concepts/, `Status` in the API reference). 2xx
 * is done. `refused`: ADMIN_REJECTED for 401; RIGHTS_MISSING for 403, which names verb and resource; CONFLICT for 409; RATE_LIMITED for
 * 429; REQUEST_REFUSED for other 4xx, 404 and 422 among them, and for a 403 that no right would help against (an admission rule, a
 * quota). A 5xx leaves open what happened. Evidence has `status` and `reason`: see {@link isReason}. The server's text is not passed on.
 */
export function outcomeOf(response: KubernetesResponse, verb: Verb, resource: Resource, place: string): Answer<KubernetesResponse> {
  const { status } = response
  if (status >= 200 && status < 300) return done(response)
  const said = statusSchema.safeParse(documentOf(response.text)).data
  const field = said?.details?.causes?.[0]?.field
  const evidence: Evidence = { status, ...(said === undefined ? {} : { reason: label(said.reason) }), ...(field === undefined ? {} : { field: label(field) }) }
  const what = resourceName(resource)
  if (status === 401) return refused('ADMIN_REJECTED', place, evidence)
  if (status === 403) {
    // Of the second right that a WebSocket needs the server says no more than that it is forbidden.
    const isRight = said === undefined || / cannot \w+ resource | is forbidden: *$/.test(said.message)
    return isRight ? refused('RIGHTS_MISSING', `to ${verb} ${what}`, evidence) : refused('REQUEST_REFUSED', `a rule of the cluster forbids to ${verb} ${what}`, evidence)
  }
  if (status === 409) return refused('CONFLICT', what, evidence)
  if (status === 429) return refused('RATE_LIMITED', place, evidence)
  if (status >= 400 && status < 500 && status !== 408) return refused('REQUEST_REFUSED', status === 404 ? `${what} is not there` : what, evidence)
  return unknown('SERVER_ERROR', `${what} at ${place}`, evidence)
}

/** Whether this is a refusal with that reason: `NotFound`, `AlreadyExists`, `Invalid` and the like. */
export function isReason(answer: Answer<unknown>, reason: string): boolean {
  return answer.is === 'refused' && answer.evidence?.['reason'] === reason
}

/** The document as its schema has it; `unknown` RESPONSE_UNFIT when it has not. */
export function readAs<T>(schema: z.ZodType<T>, { text, status }: KubernetesResponse, resource: Resource): Answer<T> {
  const read = schema.safeParse(documentOf(text))
  return read.success ? done(read.data) : unknown('RESPONSE_UNFIT', resourceName(resource), { status })
}

function documentOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
