import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAttestor, openConsumer } from '../../../src/connectors/kubernetes/index.ts'
import { attestorSchema, consumerSchema } from '../../../src/connectors/kubernetes/manifest.ts'
import type { Instance } from '../../../src/kit/consumer.ts'
import { attestorSuite, type AttestorWorld } from '../../../src/testing/attestor.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { consumerSuite, type Held, valueOf } from '../../../src/testing/consumer.ts'
import { until } from '../../../src/testing/until.ts'
import { proving } from '../claims.ts'
import { type Cluster, startCluster } from './rig/cluster.ts'
import { startProxy } from './rig/proxy.ts'
import { runInPod } from './rig/run-in-pod.ts'
import { isReady, startWorkload, type Workload } from './rig/workload.ts'
import { configOf, dataOf, HOST, openPodsWorld, type PodsSetting, type PodsWorld, presented } from './rig/world.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster?.close())

const proven = proving(() => ({ connector: 'kubernetes', as: 'consumer', on: cluster.says }))

consumerSuite(proven, 'kubernetes, a Deployment of two pods', () => openPodsWorld(cluster, { kind: 'Deployment' }))

async function inWorld(setting: PodsSetting, body: (world: PodsWorld) => Promise<void>): Promise<void> {
  const world = await openPodsWorld(cluster, setting)
  try {
    await body(world)
  } finally {
    await world.close()
  }
}

async function listed({ consumer }: PodsWorld): Promise<readonly Instance[]> {
  return valueOf(await consumer.instances(callWithin(10_000))).all
}

async function uidsOf(world: PodsWorld): Promise<readonly string[]> {
  return (await world.live()).map(({ metadata }) => metadata.uid)
}

proven.describe('pods on a real node', () => {
  it.each([
    ['StatefulSet', ['web-0', 'web-1']],
    ['DaemonSet', ['web@n1']],
  ] as const)('of a %s are all replaced, and attest what they hold', (kind, names) =>
    inWorld({ kind }, async (world) => {
      const before = await uidsOf(world)
      expect((await listed(world)).map(({ name }) => name).toSorted()).toEqual(names)
      await world.publish(world.next)
      valueOf(await world.consumer.reload(callWithin(60_000)))
      const after = (await listed(world)).toSorted((one, other) => (one.name < other.name ? -1 : 1))
      expect(after.map(({ name, ready }) => [name, ready])).toEqual(names.map((name) => [name, true]))
      expect((await uidsOf(world)).filter((uid) => before.includes(uid))).toEqual([])
      for (const instance of after) {
        expect(await world.truth(instance.name)).toBe('new')
        expect(valueOf(await world.consumer.attest(instance, world.next, world.old, callWithin(10_000)))).toMatchObject({ holds: 'new', by: 'process' })
      }
    }))

  it('are all ended at the same time in a hard cut, and none of them is left when it is done', () =>
    inWorld({ kind: 'Deployment' }, async (world) => {
      const before = await uidsOf(world)
      await world.publish(world.next)
      valueOf(await world.consumer.reload(callWithin(60_000), 'at-once'))
      expect((await world.workload.pods()).filter(({ metadata }) => before.includes(metadata.uid))).toEqual([])
      for (const { name, ready } of await listed(world)) expect([ready, await world.truth(name)]).toEqual([true, 'new'])
    }))

  it('one that has failed and one that is ending are not listed, and nobody waits for the first', () =>
    inWorld({ kind: 'Deployment', grace: 3, stubborn: true }, async (world) => {
      const { workload } = world
      const [failing = '', ending = ''] = (await world.live()).map(({ metadata }) => metadata.name)
      const path = (name: string): string => `/api/v1/namespaces/${workload.namespace}/pods/${name}`
      await cluster.api('PATCH', path(failing), { spec: { activeDeadlineSeconds: 1 } })
      await until(async () => (await workload.pods()).some(({ status }) => status.phase === 'Failed') && (await world.live()).filter(isReady).length === 2, 30_000)
      await cluster.api('DELETE', path(ending))
      expect((await listed(world)).map(({ name }) => name)).toEqual(['web-1', 'web-2'])
      expect((await workload.pods()).map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining([failing, ending]))
      await world.publish(world.next)
      valueOf(await world.consumer.reload(callWithin(60_000)))
      expect((await listed(world)).map(({ name, ready }) => [name, ready])).toEqual([['web-1', true], ['web-2', true]])
      expect((await workload.pods()).map(({ metadata }) => metadata.name)).toContain(failing)
    }))

  it('a key that is missing leaves the new ones in CreateContainerConfigError, the old ones serve, and the reload names the key', () =>
    inWorld({ kind: 'Deployment' }, async (world) => {
      const before = await uidsOf(world)
      await world.workload.publish({ APP_USER: null })
      expect(await world.consumer.preflight(callWithin(10_000))).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('no key APP_USER') })
      const config = consumerSchema.parse({ ...configOf(cluster.kubeconfig, world.workload), readyWithin: '4s' })
      const answer = await openConsumer(config, HOST).reload(callWithin(30_000))
      expect(answer).toMatchObject({ is: 'unknown', code: 'CONSUMER_UNREADY', about: expect.stringMatching(/CreateContainerConfigError.*APP_USER/) })
      const serving = (await world.live()).filter(isReady)
      expect(serving.map(({ metadata }) => metadata.uid)).toEqual(before)
      expect(serving.map((pod) => world.workload.held(pod, 'APP_PASSWORD'))).toEqual(Array.from({ length: 2 }, () => dataOf(world.old)['APP_PASSWORD']))
      await world.publish(world.next)
      valueOf(await world.consumer.reload(callWithin(60_000)))
      expect((await uidsOf(world)).filter((uid) => before.includes(uid))).toEqual([])
    }))

  it('are rolled out after an API server that gave no answer for seconds amid it: the deadline leaves it open, the next run waits for the same rollout (X-10)', () =>
    inWorld({ kind: 'Deployment' }, async (world) => {
      const generation = async (): Promise<number | undefined> =>
        (await cluster.api<{ readonly metadata: { readonly generation: number } }>('GET', `/apis/apps/v1/namespaces/${world.workload.namespace}/deployments/web`))?.metadata.generation
      await world.publish(world.next)
      const call = callWithin(3_000)
      const reloading = world.consumer.reload(call)
      await until(async () => (await generation()) === 2)
      cluster.signal('SIGSTOP')
      try {
        expect(await reloading).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
        expect(Date.now()).toBeLessThan(call.deadline + 1_000)
      } finally {
        cluster.signal('SIGCONT')
      }
      valueOf(await world.consumer.reload(callWithin(60_000)))
      expect(await generation()).toBe(2)
      for (const { name } of await listed(world)) expect(await world.truth(name)).toBe('new')
    }))
})

describe('keyturn itself in a pod', () => {
  it('rotates with the token of its service account, no kubeconfig, and exactly the rights of rbac.yaml (C-14)', async () => {
    const rights = readFileSync(new URL('../../../src/connectors/kubernetes/rbac.yaml', import.meta.url), 'utf8')
    const old = presented()
    const workload = await startWorkload(cluster, 'Deployment', { ...dataOf(old), LOG_LEVEL: 'info' }, { namespace: 'atlas' })
    try {
      await cluster.kubectl(['apply', '-f', '-'], rights)
      const app = { use: 'kubernetes', namespace: 'atlas', secret: 'app' }
      const { ok, said } = await runInPod(cluster, {
        namespace: 'atlas', serviceAccount: 'keyturn', args: ['rotate', 'session', '--wait', '--reason', 'test'],
        manifest: {
          version: 1, system: 'atlas', environment: 'staging',
          secrets: {
            session: {
              grace: '1s', quiet: '1s', undo: '1s',
              issuer: { use: 'random', name: 'session', format: 'hex' },
              stores: [{ ...app, bind: { APP_PASSWORD: '{value}' } }],
              consumers: [{ wave: [{ ...app, name: 'web' }] }],
            },
          },
        },
      })
      expect(ok, said).toBe(true)
      const held = (await workload.pods()).filter(isReady).map((pod) => workload.held(pod, 'APP_PASSWORD'))
      const secret = await cluster.api<{ readonly data: Readonly<Record<string, string>> }>('GET', '/api/v1/namespaces/atlas/secrets/app')
      const [value, level, user] = ['APP_PASSWORD', 'LOG_LEVEL', 'APP_USER'].map((key) => Buffer.from(secret?.data[key] ?? '', 'base64').toString())
      expect(value).toMatch(/^[0-9a-f]{64}$/)
      expect(held).toEqual([value, value])
      expect([level, user]).toEqual(['info', 'app'])
      expect(said).not.toContain(value)
    } finally {
      await workload.close()
    }
  })
})

describe('looked into', () => {
  const held: Held[] = ['old', 'new', 'neither']
  const [next, old] = [presented(), presented()]
  let workload: Workload
  let pods: readonly Instance[] = []

  /** Three pods of one Deployment that hold different values: the Secret was written in between. */
  beforeAll(async () => {
    workload = await startWorkload(cluster, 'Deployment', dataOf(old), { replicas: 1 })
    const consumer = openConsumer(consumerSchema.parse(configOf(cluster.kubeconfig, workload)), HOST)
    const listedNow = async (): Promise<readonly Instance[]> => valueOf(await consumer.instances(callWithin(10_000))).all
    // Two that were made within one second have no order of their own: each is known by being new.
    const ids = (await listedNow()).map(({ id }) => id)
    for (const [at, which] of [next, presented()].entries()) {
      await workload.publish(dataOf(which))
      await workload.scale(at + 2)
      ids.push(...(await listedNow()).flatMap(({ id }) => (ids.includes(id) ? [] : [id])))
    }
    const all = await listedNow()
    pods = ids.flatMap((id) => all.filter((each) => each.id === id))
    expect(pods).toHaveLength(3)
  })
  afterAll(() => workload?.close())

  attestorSuite(proving(() => ({ connector: 'kubernetes', as: 'attestor', on: cluster.says })), 'kubernetes, pods of a Deployment', async (): Promise<AttestorWorld> => {
    const proxy = await startProxy(cluster)
    const kubeconfig = cluster.kubeconfigFor(cluster.adminToken, proxy.url)
    let at = 0
    return {
      attestor: openAttestor(attestorSchema.parse(configOf(kubeconfig, workload)), HOST),
      get instance() {
        const one = pods[at]
        if (one === undefined) throw new Error('not listed')
        return one
      },
      next, old,
      hold: (which) => { at = held.indexOf(which) },
      break: (fault) => proxy.break(fault),
      close: () => proxy.close(),
    }
  })
})
