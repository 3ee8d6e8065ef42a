import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../../../demo/until.ts'
import { generate } from '../../../../src/kit/generate.ts'
import { processEnv } from '../../../../src/outside/process/index.ts'
import type { Cluster } from './cluster.ts'
import { IMAGE } from './image.ts'

export type Kind = 'Deployment' | 'StatefulSet' | 'DaemonSet'

/** The part of a pod that tests look at. */
export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly creationTimestamp: string; readonly deletionTimestamp?: string }
  readonly status: {
    readonly phase: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly { readonly state: { readonly waiting?: { readonly reason: string } } }[]
  }
}

/** Pods of a namespace of their own that have the entries of the Secret `app` as variables of their only container `app`. */
export interface Workload {
  readonly kind: Kind
  readonly namespace: string
  /** Writes these keys of the Secret; null takes one away. */
  publish(data: Readonly<Record<string, string | null>>): Promise<void>
  /** Those that are there, also those that are being deleted; by name. */
  pods(): Promise<readonly Pod[]>
  /** What the process of a pod really has as this variable. */
  held(pod: Pod, variable: string): string | undefined
  /** From now on a container that starts ends at once, or never gets ready. */
  mark(name: 'failing' | 'slow'): void
  /** Asks for so many of a Deployment, and waits until they are ready. */
  scale(replicas: number): Promise<void>
  /** Asks for the end of all of it, at once. */
  close(): Promise<void>
}

/** Ready as soon as it runs; marks in its folder make it fail at once, or never be ready. */
const PROGRAM = '[ -e /marks/failing ] && exit 3; [ -e /marks/slow ] || busybox httpd -p 8080 -h /tmp; while :; do sleep 1 & wait $!; done'

/** Where each kind lives in the API. */
const PLURAL: Readonly<Record<Kind, string>> = { Deployment: 'deployments', StatefulSet: 'statefulsets', DaemonSet: 'daemonsets' }

/**
 * Starts one called `web`, with two replicas where not told otherwise (a DaemonSet: one for the only node), and waits until all are ready. `grace`: seconds that
 * a pod may take to end; a `stubborn` one takes all of them.
 */
export async function startWorkload(cluster: Cluster, kind: Kind, data: Readonly<Record<string, string>>, { grace = 1, stubborn = false, replicas = kind === 'DaemonSet' ? 1 : 2, namespace = `kt${generate('abcdefghijklmnopqrstuvwxyz', 8)}` } = {}): Promise<Workload> {
  const marks = join(cluster.folder, 'marks', namespace)
  mkdirSync(marks, { recursive: true })
  const core = `/api/v1/namespaces/${namespace}`
  await cluster.api('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
  await cluster.api('POST', `${core}/secrets`, { metadata: { name: 'app', labels: { owner: 'tests' } }, stringData: data })
  // Until it is there, no pod may be made, and whoever was refused waits before trying again.
  await until('the default service account is there', 10_000, () => cluster.api<object>('GET', `${core}/serviceaccounts/default`))
  const pods = async (): Promise<readonly Pod[]> => {
    const found = await cluster.api<{ readonly items: readonly Pod[] }>('GET', `${core}/pods?labelSelector=app%3Dweb`)
    return (found?.items ?? []).toSorted((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1))
  }
  const ready = (count: number): Promise<true> => until(`${kind} is ready`, 60_000, async () => ((await pods()).filter(isReady).length === count ? true : undefined))
  const path = `/apis/apps/v1/namespaces/${namespace}/${PLURAL[kind]}/web`
  const workload: Workload = {
    kind, namespace, pods,
    async publish(entries) {
      const base64 = Object.entries(entries).map(([key, value]) => [key, value === null ? null : Buffer.from(value).toString('base64')])
      await cluster.api('PATCH', `${core}/secrets/app`, { data: Object.fromEntries(base64) as object })
    },
    held: ({ metadata }, variable) => cluster.pidsOf(metadata.uid).map((pid) => processEnv(pid)?.get(variable)?.reveal()).find((value) => value !== undefined),
    mark: (name) => writeFileSync(join(marks, name), ''),
    async scale(to) {
      await cluster.api('PATCH', path, { spec: { replicas: to } })
      await ready(to)
    },
    async close() {
      await cluster.api('DELETE', `/api/v1/namespaces/${namespace}`)
    },
  }
  await cluster.api('POST', path.replace(/\/web$/, ''), {
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      ...(kind === 'DaemonSet' ? {} : { replicas }),
      ...(kind === 'StatefulSet' ? { serviceName: 'web', podManagementPolicy: 'Parallel' } : {}),
      ...(kind === 'Deployment' ? { progressDeadlineSeconds: 60 } : {}),
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          automountServiceAccountToken: false, enableServiceLinks: false, dnsPolicy: 'Default', terminationGracePeriodSeconds: grace,
          volumes: [{ name: 'marks', hostPath: { path: marks } }],
          containers: [{
            name: 'app', image: IMAGE, imagePullPolicy: 'Never', command: ['sh', '-c', stubborn ? `trap "" TERM; ${PROGRAM}` : `trap "exit 0" TERM; ${PROGRAM}`],
            env: ['APP_USER', 'APP_PASSWORD'].map((name) => ({ name, valueFrom: { secretKeyRef: { name: 'app', key: name } } })),
            volumeMounts: [{ name: 'marks', mountPath: '/marks', readOnly: true }],
            readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
          }],
        },
      },
    },
  })
  await ready(replicas)
  return workload
}

/** Whether it is ready and stays. */
export function isReady({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true
}
