import { z } from 'zod'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Resource } from '../../outside/kubernetes/index.ts'
import type { WorkloadConfig } from './manifest.ts'
import { podSpecSchema } from './pod-spec.ts'

const count = z.int().nullish().transform((each) => each ?? 0)
const amount = z.union([z.int(), z.string()]).nullish()
const condition = z.looseObject({ type: z.string(), status: z.string(), reason: z.string().nullish() })

const strategySchema = z.looseObject({
  type: z.string().nullish(),
  rollingUpdate: z.looseObject({ partition: z.int().nullish(), maxUnavailable: amount }).nullish(),
}).nullish()

/** The part of a Deployment, StatefulSet or DaemonSet that is used (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/). */
export const workloadSchema = z.looseObject({
  metadata: z.looseObject({ uid: z.string(), generation: z.int() }),
  spec: z.looseObject({
    /** A DaemonSet has none. */
    replicas: z.int().nullish(),
    paused: z.boolean().nullish(),
    strategy: strategySchema,
    updateStrategy: strategySchema,
    selector: z.looseObject({
      matchLabels: z.record(z.string(), z.string()).nullish(),
      matchExpressions: z.array(z.looseObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).nullish() })).nullish(),
    }),
    template: z.looseObject({
      metadata: z.looseObject({ annotations: z.record(z.string(), z.string()).nullish() }).nullish(),
      spec: podSpecSchema,
    }),
  }),
  status: z.looseObject({
    observedGeneration: count,
    replicas: count, updatedReplicas: count, availableReplicas: count,
    currentRevision: z.string().nullish(), updateRevision: z.string().nullish(),
    desiredNumberScheduled: count, updatedNumberScheduled: count, numberAvailable: count,
    conditions: z.array(condition).nullish(),
  }).nullish().transform((status) => status ?? { observedGeneration: 0, replicas: 0, updatedReplicas: 0, availableReplicas: 0, desiredNumberScheduled: 0, updatedNumberScheduled: 0, numberAvailable: 0 }),
})

export type Workload = z.infer<typeof workloadSchema>
export type Kind = WorkloadConfig['kind']

const PLURAL: Readonly<Record<Kind, string>> = { Deployment: 'deployments', StatefulSet: 'statefulsets', DaemonSet: 'daemonsets' }

export function workloadResource({ kind, namespace, name }: Pick<WorkloadConfig, 'kind' | 'namespace' | 'name'>): Resource {
  return { api: 'apps/v1', kind: PLURAL[kind], namespace, name }
}

/** How far a rollout is, as `kubectl rollout status` judges it, for each kind in the same words. */
export interface Standing {
  /** The controller has seen the template as it is now; before that the other numbers are of the past. */
  readonly observed: boolean
  /** How many instances there have to be. */
  readonly wanted: number
  /** How many there are of the template as it is now. */
  readonly updated: number
  /** How many there are of older ones; those that are ending do not count. */
  readonly older: number
  readonly available: number
  /** Why the controller has given up, or cannot go on. */
  readonly stuck?: string
}

/** Pure. `generation` is that of the change that is waited for. */
export function standingOf(kind: Kind, { spec, status, metadata }: Workload, generation: number = metadata.generation): Standing {
  const observed = status.observedGeneration >= generation
  if (kind === 'DaemonSet') {
    const { desiredNumberScheduled: wanted, updatedNumberScheduled: updated, numberAvailable: available } = status
    return { observed, wanted, updated, older: Math.max(0, wanted - updated), available }
  }
  const wanted = spec.replicas ?? 1
  const { replicas, updatedReplicas: updated, availableReplicas: available } = status
  if (kind === 'StatefulSet') return { observed, wanted, updated, older: status.currentRevision === status.updateRevision ? 0 : Math.max(0, replicas - updated), available }
  const given = observed ? status.conditions?.find(({ type, status: is, reason }) => (type === 'Progressing' && is === 'False' && reason === 'ProgressDeadlineExceeded') || (type === 'ReplicaFailure' && is === 'True')) : undefined
  return { observed, wanted, updated, older: replicas - updated, available, ...(given === undefined ? {} : { stuck: given.reason ?? given.type }) }
}

/** Whether every instance is of the template as it is now and available; `spare` may be missing. */
export function isComplete({ observed, wanted, updated, older, available }: Standing, spare = 0): boolean {
  return observed && older === 0 && updated >= wanted - spare && available >= wanted - spare
}

/** Whether a change of its template makes it replace its pods by itself; `refused` says what to change. */
export function canRollOut(kind: Kind, { spec }: Workload, title: string): Answer<void> {
  const strategy = kind === 'Deployment' ? spec.strategy : spec.updateStrategy
  if (spec.paused === true) return refused('PRECONDITION_FAILED', `${title} is paused: nothing is rolled out before \`kubectl rollout resume\``)
  if (strategy?.type === 'OnDelete') return refused('PRECONDITION_FAILED', `${title} has the update strategy OnDelete, with which pods are replaced only when somebody deletes them: make it RollingUpdate`)
  const partition = strategy?.rollingUpdate?.partition ?? 0
  return partition > 0 ? refused('PRECONDITION_FAILED', `${title} has a partition of ${partition}, below which pods are not replaced: take it away`) : done(undefined)
}

/** What its selector matches, as a query has it. */
export function selectorOf({ spec: { selector } }: Workload): string {
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }) => {
    if (operator === 'Exists') return key
    if (operator === 'DoesNotExist') return `!${key}`
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${(values ?? []).join(',')})`
  })
  return [...labels, ...expressions].join(',')
}
