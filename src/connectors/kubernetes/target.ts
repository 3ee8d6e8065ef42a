import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Cluster } from '../../outside/kubernetes/index.ts'
import type { WorkloadConfig } from './manifest.ts'
import { type Pod, podsOf } from './pods.ts'
import { type Workload, workloadResource, workloadSchema } from './workload.ts'

/** A workload and its pods as they are now. */
export interface Seen {
  readonly workload: Workload
  readonly pods: readonly Pod[]
}

/** For plans and messages: `Deployment the0/the0-api`. */
export function titleOf({ kind, namespace, name }: Pick<WorkloadConfig, 'kind' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace}/${name}`
}

/** The Secrets that it takes values from. */
export function secretsOf({ secret }: Pick<WorkloadConfig, 'secret'>): readonly string[] {
  return [secret].flat()
}

/** `refused` CONSUMER_MISSING when there is none. */
export async function lookAtWorkload(cluster: Cluster, config: WorkloadConfig, call: Pick<Call, 'signal'>): Promise<Answer<Workload>> {
  const seen = await cluster.get(workloadResource(config), workloadSchema, call)
  if (seen.is !== 'done') return seen
  return seen.value === undefined ? refused('CONSUMER_MISSING', titleOf(config)) : done(seen.value)
}

export async function lookAtPods(cluster: Cluster, config: WorkloadConfig, call: Pick<Call, 'signal'>): Promise<Answer<Seen>> {
  const workload = await lookAtWorkload(cluster, config, call)
  if (workload.is !== 'done') return workload
  const pods = await podsOf(cluster, config, workload.value, call)
  return pods.is === 'done' ? done({ workload: workload.value, pods: pods.value }) : pods
}
