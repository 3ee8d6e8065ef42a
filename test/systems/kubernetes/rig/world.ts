import { openConsumer } from '../../../../src/connectors/kubernetes/index.ts'
import { consumerSchema } from '../../../../src/connectors/kubernetes/manifest.ts'
import type { Host } from '../../../../src/kit/call.ts'
import type { Presented } from '../../../../src/kit/consumer.ts'
import { ALNUM, generate } from '../../../../src/kit/generate.ts'
import { Secret } from '../../../../src/kit/secret.ts'
import type { ConsumerWorld } from '../../../../src/testing/consumer.ts'
import type { Cluster } from './cluster.ts'
import { isReady, type Kind, type Pod, startWorkload, type Workload } from './workload.ts'

/** Pods that hold a value, and the connector that rolls them out. */
export interface PodsWorld extends ConsumerWorld {
  readonly workload: Workload
  /** Neither ended nor ending, the oldest first: in this order the connector counts those of a Deployment. */
  live(): Promise<readonly Pod[]>
}

export interface PodsSetting {
  readonly kind: Kind
  /** Seconds that a pod may take to end; one when absent. */
  readonly grace?: number
  /** It takes all of them. */
  readonly stubborn?: boolean
}

/** What a manifest says of a workload in a cluster, beside what its family adds. */
export function configOf(kubeconfig: string, { kind, namespace }: Pick<Workload, 'kind' | 'namespace'>): { readonly kubeconfig: string; readonly namespace: string; readonly kind: Kind; readonly name: string; readonly secret: string } {
  return { kubeconfig, namespace, kind, name: 'web', secret: 'app' }
}

/** A host on which nothing has to be resolved. */
export const HOST: Host = { base: '/', now: () => Date.now(), resolve: async (reference) => new Secret(reference), conceal: () => undefined }

export function presented(): Presented {
  const value = new Secret(generate(ALNUM, 32))
  return { fields: { user: new Secret('app'), password: value }, entries: { APP_USER: new Secret('app'), APP_PASSWORD: value } }
}

/** The entries as a Secret has them. */
export function dataOf({ entries }: Presented): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, value.reveal()]))
}

/** Starts a workload that holds `old`. */
export async function openPodsWorld(cluster: Cluster, { kind, ...how }: PodsSetting): Promise<PodsWorld> {
  const [next, old] = [presented(), presented()]
  const workload = await startWorkload(cluster, kind, dataOf(old), how)
  const config = consumerSchema.parse({ ...configOf(cluster.kubeconfig, workload), readyWithin: '60s' })
  const live = async (): Promise<readonly Pod[]> => {
    const age = ({ metadata: { creationTimestamp, name } }: Pod): string => `${creationTimestamp}/${name}`
    return (await workload.pods()).filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && !['Failed', 'Succeeded'].includes(status.phase)).toSorted((one, other) => (age(one) < age(other) ? -1 : 1))
  }
  return {
    workload, next, old, live,
    consumer: openConsumer(config, HOST),
    again: openConsumer(config, HOST),
    publish: (which) => workload.publish(dataOf(which)),
    truth: async (name) => {
      const pods = await live()
      const pod = kind === 'StatefulSet' ? pods.find(({ metadata }) => metadata.name === name) : pods[kind === 'DaemonSet' ? 0 : Number(/\d+$/.exec(name)?.[0]) - 1]
      const value = pod === undefined || !isReady(pod) ? undefined : workload.held(pod, 'APP_PASSWORD')
      if (value === undefined) return undefined
      return value === dataOf(next)['APP_PASSWORD'] ? 'new' : value === dataOf(old)['APP_PASSWORD'] ? 'old' : 'neither'
    },
    break: async (fault) => {
      workload.mark(fault === 'error' ? 'failing' : 'slow')
      if (fault !== 'gone') return
      const last = (await live()).at(-1)
      if (last !== undefined) await cluster.api('DELETE', `/api/v1/namespaces/${workload.namespace}/pods/${last.metadata.name}?gracePeriodSeconds=0`)
    },
    close: () => workload.close(),
  }
}
