import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'
import { accessShape } from '../../outside/kubernetes/access.ts'

/** RFC 1123: names of objects that become names of hosts, or parts of them. */
const name = z.string().regex(/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/, 'small letters, digits, `-` and `.`, at most 253 characters')
const namespace = z.string().regex(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/, 'small letters, digits and `-`, at most 63 characters').describe('The namespace.')

/** What stands in a store with `use: kubernetes`. */
export const storeSchema = z.strictObject({
  ...accessShape,
  namespace,
  secret: name.describe('The name of the Secret.'),
  create: z.boolean().default(false).describe('Whether a Secret that is not there is made, of the type Opaque and with our keys only. Needs the right to create Secrets of any name.'),
})

export type StoreConfig = z.infer<typeof storeSchema>

const workloadShape = {
  ...accessShape,
  namespace,
  kind: z.enum(['Deployment', 'StatefulSet', 'DaemonSet']).default('Deployment').describe('What kind of workload it is.'),
  name: name.describe('The name of the workload.'),
  secret: z.union([name, z.array(name).min(1)]).describe('The Secret that it takes the values from, or several. Preflight sees whether it really does.'),
  container: z.string().regex(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/, 'the name of a container').optional().describe('The container that is looked into; every one that takes the values in its environment when absent.'),
}

/** What stands in a consumer with `use: kubernetes`. */
export const consumerSchema = z.strictObject({
  ...workloadShape,
  readyWithin: durationSchema.default('5m').describe('How long a rollout may take until every instance is ready again. Draining of old ones is waited for within the same time.'),
  takes: durationSchema.default('10s').describe('An estimate of a rollout for each instance, until there are measurements.'),
})

export type ConsumerConfig = z.infer<typeof consumerSchema>

/** What stands under `attest:` with `use: kubernetes`. */
export const attestorSchema = z.strictObject(workloadShape)

export type WorkloadConfig = z.infer<typeof attestorSchema>

export default describeConnector({
  id: 'kubernetes',
  title: 'Kubernetes',
  summary: 'Keeps values in a Secret beside others, rolls out the workload that uses them, and proves it from inside of its pods.',
  links: [
    'https://kubernetes.io/docs/concepts/configuration/secret/',
    'https://kubernetes.io/docs/reference/using-api/api-concepts/',
    'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/',
    'https://kubernetes.io/docs/reference/access-authn-authz/rbac/',
  ],
  families: { store: storeSchema, consumer: consumerSchema, attestor: attestorSchema },
})
