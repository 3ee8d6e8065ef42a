import { createHash, randomUUID } from 'node:crypto'
import type { FakeApi, Kept } from './provider.ts'

/** What happens from now on: pods that start do not become ready, or fail; those that end take their time; nobody does anything. */
export type PodFault = 'slow' | 'failing' | 'lingering' | 'frozen'

/** The controllers and the kubelet of the fake. */
export interface Controllers {
  readonly faults: Set<PodFault>
  /** Environments that the processes of pods were started with, by the uid of the pod. */
  readonly environments: Map<string, Readonly<Record<string, string>>>
  /** One step of every rollout, taken whenever a workload or a pod is looked at: so that waiting needs no clock. */
  step(api: FakeApi): void
  /** Asks a pod to end, as a DELETE does; it is gone a step later. */
  end(api: FakeApi, name: string): void
}

const KINDS = { deployments: 'Deployment', statefulsets: 'StatefulSet', daemonsets: 'DaemonSet' } as const
type Plural = keyof typeof KINDS

interface Spec {
  readonly replicas?: number
  readonly paused?: boolean
  readonly template: { readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> }; readonly spec: { readonly containers: readonly { readonly name: string; readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string; readonly optional?: boolean } } }[] }[] } }
}

/** Nodes of the fake: a DaemonSet has a pod on each. */
const NODES = ['node-a', 'node-b']

export function newControllers(): Controllers {
  const faults: Controllers['faults'] = new Set()
  const environments: Controllers['environments'] = new Map()
  const controllers: Controllers = {
    faults, environments,
    step: (api) => {
      if (faults.has('frozen')) return
      for (const plural of Object.keys(KINDS) as Plural[]) {
        for (const [key, workload] of api.objects) if (key.startsWith(`${plural}/`)) stepOne(api, plural, workload)
      }
    },
    end: (api, name) => {
      const pod = api.get('pods', name)
      if (pod !== undefined) api.put('pods', name, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: new Date(Date.now() + 30_000).toISOString() } })
    },
  }
  return controllers

  function stepOne(api: FakeApi, plural: Plural, workload: Kept): void {
    const status = workload['status'] as { readonly observedGeneration?: number } | undefined
    // The answer to a change still has the status of before.
    if (status?.observedGeneration === workload.metadata.generation || status === undefined) move(api, plural, workload)
    report(api, plural, api.get(plural, workload.metadata.name) ?? workload)
  }

  /** What was about to happen happens, and then one thing more. */
  function move(api: FakeApi, plural: Plural, workload: Kept): void {
    const spec = workload['spec'] as Spec
    const hash = hashOf(spec)
    for (const pod of podsOf(api, workload)) {
      if (pod.metadata['deletionTimestamp'] !== undefined) {
        if (!faults.has('lingering')) api.drop('pods', pod.metadata.name)
      } else if (!isReady(pod)) start(api, pod)
    }
    const there = podsOf(api, workload)
    const pods = there.filter(({ metadata }) => metadata['deletionTimestamp'] === undefined)
    const slots = slotsOf(plural, workload)
    const free = slots.find((slot) => !there.some(({ metadata }) => metadata.name === slot))
    const older = pods.filter(({ metadata }) => metadata.labels?.['pod-template-hash'] !== hash)
    if (plural !== 'deployments' && free !== undefined) return create(api, workload, plural, free, hash)
    if (pods.some((pod) => !isReady(pod))) return undefined
    const last = older.at(-1)
    if (plural !== 'deployments') return last === undefined ? undefined : controllers.end(api, last.metadata.name)
    const wanted = spec.replicas ?? 1
    // One more than there have to be, then one of the old ones less.
    if (pods.length - older.length < wanted && pods.length <= wanted) return create(api, workload, plural, `${workload.metadata.name}-${hash}-${randomUUID().slice(0, 5)}`, hash)
    const first = older[0]
    if (first !== undefined) controllers.end(api, first.metadata.name)
  }

  function create(api: FakeApi, workload: Kept, plural: Plural, name: string, hash: string): void {
    const spec = workload['spec'] as Spec
    const owner = plural === 'deployments' ? replicaSetOf(api, workload, hash) : workload
    const kind = plural === 'deployments' ? 'ReplicaSet' : KINDS[plural]
    const pod = api.put('pods', name, {
      metadata: {
        labels: { ...spec.template.metadata.labels, 'pod-template-hash': hash }, annotations: spec.template.metadata.annotations,
        ownerReferences: [{ uid: owner.metadata.uid, controller: true, kind, name: owner.metadata.name }],
      },
      spec: { ...spec.template.spec, nodeName: plural === 'daemonsets' ? name.slice(workload.metadata.name.length + 1) : NODES[0] },
      status: { phase: 'Pending', conditions: [{ type: 'Ready', status: 'False' }] },
    })
    start(api, pod)
  }

  /** What the kubelet does: environments are made of what Secrets hold now. */
  function start(api: FakeApi, pod: Kept): void {
    const { containers } = pod['spec'] as Spec['template']['spec']
    const uid = pod.metadata.uid
    const waiting = (reason: string, message: string): void => {
      api.put('pods', pod.metadata.name, { ...pod, status: { phase: 'Pending', conditions: [{ type: 'Ready', status: 'False' }], containerStatuses: containers.map(({ name }) => ({ name, restartCount: 0, state: { waiting: { reason, message } } })) } })
    }
    if (faults.has('failing')) return waiting('CrashLoopBackOff', 'back-off 10s restarting failed container')
    const environment: Record<string, string> = {}
    for (const { name, value, valueFrom } of containers.flatMap(({ env = [] }) => env)) {
      if (valueFrom === undefined) environment[name] = value ?? ''
      else {
        const { name: secret, key, optional } = valueFrom.secretKeyRef
        const data = (api.get('secrets', secret)?.['data'] as Readonly<Record<string, string>> | undefined)?.[key]
        if (data !== undefined) environment[name] = Buffer.from(data, 'base64').toString('utf8')
        else if (optional !== true) return waiting('CreateContainerConfigError', `couldn't find key ${key} in Secret ${pod.metadata.namespace}/${secret}`)
      }
    }
    if (!environments.has(uid)) environments.set(uid, environment)
    const ready = faults.has('slow') ? 'False' : 'True'
    api.put('pods', pod.metadata.name, { ...pod, status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready }], containerStatuses: containers.map(({ name }) => ({ name, restartCount: 0, state: { running: { startedAt: pod.metadata.creationTimestamp } } })) } })
  }

  function report(api: FakeApi, plural: Plural, workload: Kept): void {
    const spec = workload['spec'] as Spec
    const pods = podsOf(api, workload)
    const live = pods.filter(({ metadata }) => metadata['deletionTimestamp'] === undefined)
    const hash = hashOf(spec)
    const updated = live.filter(({ metadata }) => metadata.labels?.['pod-template-hash'] === hash).length
    const available = live.filter(isReady).length
    const generation = { observedGeneration: workload.metadata.generation }
    const revisions = { currentRevision: updated === live.length && available === live.length ? hash : 'before', updateRevision: hash }
    const status = {
      deployments: { ...generation, replicas: live.length, updatedReplicas: updated, availableReplicas: available, conditions: faults.has('failing') && available < live.length ? [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] : [] },
      statefulsets: { ...generation, replicas: live.length, updatedReplicas: updated, availableReplicas: available, ...revisions },
      daemonsets: { ...generation, desiredNumberScheduled: NODES.length, updatedNumberScheduled: updated, numberAvailable: available },
    }[plural]
    if (JSON.stringify(status) !== JSON.stringify(workload['status'])) api.put(plural, workload.metadata.name, { ...workload, status })
  }
}

function hashOf({ template }: Spec): string {
  return createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10)
}

function slotsOf(plural: Plural, { metadata: { name }, spec }: Kept): readonly string[] {
  if (plural === 'daemonsets') return NODES.map((node) => `${name}-${node}`)
  return Array.from({ length: (spec as Spec).replicas ?? 1 }, (_, at) => `${name}-${at}`)
}

function replicaSetOf(api: FakeApi, { metadata }: Kept, hash: string): Kept {
  const name = `${metadata.name}-${hash}`
  return api.get('replicasets', name) ?? api.put('replicasets', name, { metadata: { labels: { app: metadata.name }, ownerReferences: [{ uid: metadata.uid, controller: true, kind: 'Deployment', name: metadata.name }] } })
}

function podsOf(api: FakeApi, workload: Kept): readonly Kept[] {
  const owned = (by: string) => (each: Kept): boolean => each.metadata.ownerReferences?.some(({ uid }) => uid === by) === true
  const all = [...api.objects]
  const sets = all.filter(([key, object]) => key.startsWith('replicasets/') && owned(workload.metadata.uid)(object)).map(([, { metadata }]) => metadata.uid)
  return all.filter(([key, object]) => key.startsWith('pods/') && [workload.metadata.uid, ...sets].some((uid) => owned(uid)(object))).map(([, object]) => object)
}

function isReady({ status }: Kept): boolean {
  const { phase, conditions = [] } = status as { readonly phase: string; readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
  return phase === 'Running' && conditions.some((one) => one.type === 'Ready' && one.status === 'True')
}
