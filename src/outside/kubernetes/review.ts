import { z } from 'zod'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Cluster, Time } from './cluster.ts'
import type { Verb } from './outcome.ts'
import { type Resource, resourceName } from './resource.ts'

/** A right that is needed. */
export interface Right {
  readonly verb: Verb
  readonly resource: Resource
}

const reviewSchema = z.looseObject({ status: z.looseObject({ allowed: z.boolean() }) })

/**
 * Asks the server which of these it would not allow, in words: `patch secrets/app in the0`. Changes nothing
 * (https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access).
 */
export async function missingRights(cluster: Cluster, rights: readonly Right[], call: Time): Promise<Answer<readonly string[]>> {
  const missing: string[] = []
  for (const { verb, resource } of rights) {
    const { api, kind, namespace, name, part } = resource
    const [group, version] = api.includes('/') ? api.split('/') : ['', api]
    const resourceAttributes = { verb, group, version, resource: kind, namespace, name, subresource: part }
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } }
    const answer = await cluster.create({ api: 'authorization.k8s.io/v1', kind: 'selfsubjectaccessreviews' }, review, reviewSchema, call)
    if (answer.is !== 'done') return answer
    if (!answer.value.status.allowed) missing.push(`${verb} ${resourceName(resource)}`)
  }
  return done(missing)
}

/** `refused` RIGHTS_MISSING that names all of them that the server would not allow. */
export async function checkRights(cluster: Cluster, rights: readonly Right[], call: Time): Promise<Answer<void>> {
  const missing = await missingRights(cluster, rights, call)
  if (missing.is !== 'done') return missing
  return missing.value.length === 0 ? done(undefined) : refused('RIGHTS_MISSING', `to ${missing.value.join(', to ')}`)
}
