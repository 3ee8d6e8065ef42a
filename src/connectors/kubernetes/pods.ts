import { z } from 'zod'
import { type Answer, done, label } from '../../kit/answer.ts'
import type { Instance } from '../../kit/consumer.ts'
import type { Cluster, Time } from '../../outside/kubernetes/index.ts'
import type { WorkloadConfig } from './manifest.ts'
import { podSpecSchema } from './pod-spec.ts'
import { ownersSchema } from './secret.ts'
import { selectorOf, type Workload } from './workload.ts'

const containerStatusSchema = z.looseObject({
  name: z.string(),
  restartCount: z.int().default(0),
  state: z.looseObject({
    running: z.looseObject({ startedAt: z.string().nullish() }).nullish(),
    waiting: z.looseObject({ reason: z.string().nullish(), message: z.string().nullish() }).nullish(),
  }).nullish(),
})

const podSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(), uid: z.string(), creationTimestamp: z.string(), deletionTimestamp: z.string().nullish(), ownerReferences: ownersSchema,
  }),
  spec: podSpecSchema,
  status: z.looseObject({
    phase: z.string().default(''),
    conditions: z.array(z.looseObject({ type: z.string(), status: z.string(), reason: z.string().nullish() })).nullish(),
    containerStatuses: z.array(containerStatusSchema).nullish(),
    initContainerStatuses: z.array(containerStatusSchema).nullish(),
  }),
})

export type Pod = z.infer<typeof podSchema>

const ownedSchema = z.looseObject({ metadata: z.looseObject({ uid: z.string(), ownerReferences: ownersSchema }) })

/**
 * The pods of a workload: those that it owns, of a Deployment through its ReplicaSets; labels alone may be those of others too. All of
 * them, also such as have failed or are ending: see {@link isLive}.
 */
export async function podsOf(cluster: Cluster, { kind, namespace }: Pick<WorkloadConfig, 'kind' | 'namespace'>, workload: Workload, call: Time): Promise<Answer<readonly Pod[]>> {
  const which = { labels: selectorOf(workload) }
  const owners = new Set([workload.metadata.uid])
  const isOwned = ({ metadata }: Pick<z.infer<typeof ownedSchema>, 'metadata'>): boolean => metadata.ownerReferences.some(({ uid, controller }) => controller === true && owners.has(uid))
  if (kind === 'Deployment') {
    const sets = await cluster.list({ api: 'apps/v1', kind: 'replicasets', namespace }, ownedSchema, call, which)
    if (sets.is !== 'done') return sets
    const own = sets.value.filter(isOwned)
    owners.clear()
    for (const { metadata } of own) owners.add(metadata.uid)
  }
  const pods = await cluster.list({ api: 'v1', kind: 'pods', namespace }, podSchema, call, which)
  return pods.is === 'done' ? done(pods.value.filter(isOwned)) : pods
}

/** Whether it runs or is about to: neither ended nor ending. */
export function isLive({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp == null && status.phase !== 'Failed' && status.phase !== 'Succeeded'
}

/** Whether it is ending and may still work; the time is when the kubelet ends it at the latest. One that is still there later is on a node that is lost. */
export function isDraining({ metadata, status }: Pod, now: number): boolean {
  return metadata.deletionTimestamp != null && status.phase !== 'Failed' && status.phase !== 'Succeeded' && Date.parse(metadata.deletionTimestamp) + 5_000 > now
}

export function isReady(pod: Pod): boolean {
  return isLive(pod) && pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
}

/** Of these processes and no later ones: a container that is started again is another process, with the environment of then. */
export function markOf({ metadata, status }: Pod): string {
  const restarts = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].reduce((sum, { restartCount }) => sum + restartCount, 0)
  return `${metadata.uid}.${restarts}`
}

/** When its processes had all been started, unix ms in whole seconds; undefined before. */
export function startOf({ status }: Pod, containers?: readonly string[]): number | undefined {
  const meant = (status.containerStatuses ?? []).filter(({ name }) => containers === undefined || containers.includes(name))
  const starts = meant.map(({ state }) => Date.parse(state?.running?.startedAt ?? ''))
  return starts.length === 0 || starts.some(Number.isNaN) ? undefined : Math.max(...starts)
}

/** A pod as the engine sees it; without a pod it is not there. */
export interface Listed {
  readonly instance: Instance
  readonly pod?: Pod
}

/**
 * The pods as instances. Of a StatefulSet their names stay; of a DaemonSet there is one a node; those of a Deployment are alike, and
 * `web-1` is the oldest that there is. Where there are fewer than there have to be, the others are listed as gone.
 */
export function instancesOf({ kind, name }: Pick<WorkloadConfig, 'kind' | 'name'>, pods: readonly Pod[], wanted: number): readonly Listed[] {
  const live = pods.filter(isLive).toSorted((one, other) => (ageOf(one) < ageOf(other) ? -1 : 1))
  const there = live.map((pod, at): Listed => {
    const startedAt = startOf(pod)
    const called = kind === 'Deployment' ? `${name}-${at + 1}` : kind === 'StatefulSet' ? pod.metadata.name : `${name}@${pod.spec.nodeName}`
    return { instance: { id: markOf(pod), name: called, ready: isReady(pod), ...(startedAt === undefined ? {} : { startedAt }) }, pod }
  })
  // Those of a Deployment have their names by age; the others are in the order of theirs, whichever was replaced last.
  if (kind !== 'Deployment') there.sort((one, other) => one.instance.name.localeCompare(other.instance.name, 'en', { numeric: true }))
  const places = Array.from({ length: wanted }, (_, at) => (kind === 'Deployment' ? `${name}-${at + 1}` : kind === 'StatefulSet' ? `${name}-${at}` : `${name}@missing-${at + 1}`))
  const free = places.filter((place) => !there.some(({ instance }) => instance.name === place)).slice(0, Math.max(0, wanted - live.length))
  return [...there, ...free.map((place): Listed => ({ instance: { id: `${place}:gone`, name: place, ready: false } }))]
}

function ageOf({ metadata }: Pod): string {
  return `${metadata.creationTimestamp}/${metadata.name}`
}

/** Why a pod is not ready, in words; the names of keys and Secrets are told, as the kubelet says them. */
export function troubleOf({ metadata, status }: Pod): string {
  const waiting = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map(({ state }) => state?.waiting).find((one) => one != null)
  const unscheduled = status.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False')
  const reason = label(waiting?.reason ?? unscheduled?.reason ?? 'not ready')
  const key = /couldn't find key (\S+) in Secret/.exec(waiting?.message ?? '')?.[1]
  const secret = /secrets? "([^"\s]+)" not found/.exec(waiting?.message ?? '')?.[1]
  const more = key !== undefined ? `: its Secret has no key ${label(key)}` : secret !== undefined ? `: there is no Secret ${label(secret)}` : ''
  return `${metadata.name}: ${reason}${more}`
}
