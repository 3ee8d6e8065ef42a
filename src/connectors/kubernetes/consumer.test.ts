import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import type { Consumer, Instance, Presented } from '../../kit/consumer.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { attestorSuite } from '../../testing/attestor.ts'
import { callWithin } from '../../testing/call.ts'
import { type ConsumerWorld, consumerSuite, valueOf } from '../../testing/consumer.ts'
import { until } from '../../testing/until.ts'
import { type FakeKubernetes, startFakeKubernetes } from './fake.ts'
import { openAttestor, openConsumer } from './index.ts'
import { attestorSchema, consumerSchema, type WorkloadConfig } from './manifest.ts'
import { NAMESPACE } from './provider.ts'

type Kind = WorkloadConfig['kind']

interface World extends ConsumerWorld {
  readonly fake: FakeKubernetes
  open(more?: object): Consumer
  /** The workload as the server has it, changed by this. */
  change(spec: object): void
  listed(): Promise<readonly Instance[]>
}

const call = () => callWithin(10_000)
const host: Host = { base: '/', now: () => Date.now(), resolve: async (text) => new Secret(text), conceal: () => undefined }
const PLURALS = { Deployment: 'deployments', StatefulSet: 'statefulsets', DaemonSet: 'daemonsets' } as const
const secretKeyRef = (key: string, more: object = {}) => ({ valueFrom: { secretKeyRef: { name: 'app', key, ...more } } })

/** What the key of the Secret is called is not what the variable is called. */
function presented(): Presented {
  const value = new Secret(generate(ALNUM, 32))
  return { fields: { password: value }, entries: { user: new Secret('somebody'), password: value } }
}

async function world(kind: Kind = 'Deployment'): Promise<World> {
  const fake = await startFakeKubernetes()
  const { api } = fake
  const [next, old] = [presented(), presented()]
  const publish = ({ entries }: Presented): void => {
    const data = Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, Buffer.from(value.reveal()).toString('base64')]))
    api.put('secrets', 'app', { ...api.get('secrets', 'app'), data })
  }
  publish(old)
  const labels = { app: 'web' }
  const container = { name: 'web', readinessProbe: {}, env: [{ name: 'MODE', value: 'test' }, { name: 'APP_USER', ...secretKeyRef('user') }, { name: 'APP_PASSWORD', ...secretKeyRef('password') }] }
  const plural = PLURALS[kind]
  api.put(plural, 'web', { spec: { ...(kind === 'DaemonSet' ? {} : { replicas: 2 }), selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } }, status: {} })
  // Of another workload with the same labels.
  api.put('pods', 'stranger', { metadata: { labels, ownerReferences: [{ uid: 'another', controller: true, kind: 'Job', name: 'other' }] }, spec: { containers: [] }, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } })
  const config = { kubeconfig: fake.kubeconfig, namespace: NAMESPACE, kind, name: 'web', secret: 'app' }
  const open = (more: object = {}): Consumer => openConsumer(consumerSchema.parse({ ...config, readyWithin: '4s', ...more }), host)
  const consumer = open()
  const listed = async (): Promise<readonly Instance[]> => valueOf(await consumer.instances(call())).all
  await until(async () => (await listed()).filter(({ ready }) => ready).length === 2)
  await listed()
  const uidOf = async (name: string): Promise<string> => (await listed()).find((one) => one.name === name)?.id.split('.')[0] ?? ''
  return {
    fake, next, old, publish, open, consumer, listed,
    again: open(),
    change: (spec) => {
      const now = api.get(plural, 'web')
      api.put(plural, 'web', { ...now, spec: { ...(now?.['spec'] as object), ...spec } })
    },
    truth: async (name) => {
      const value = api.controllers.environments.get(await uidOf(name))?.['APP_PASSWORD']
      return value === undefined ? undefined : value === next.entries['password']?.reveal() ? 'new' : value === old.entries['password']?.reveal() ? 'old' : 'neither'
    },
    break: async (fault) => {
      if (fault !== 'gone') return void api.controllers.faults.add(fault === 'slow' ? 'slow' : 'failing')
      api.controllers.faults.add('frozen')
      const last = (await listed()).at(-1)
      for (const [, pod] of api.objects) if (pod.metadata.uid === last?.id.split('.')[0]) api.put('pods', pod.metadata.name, { ...pod, status: { phase: 'Failed' } })
    },
    close: fake.close,
  }
}

for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const) {
  consumerSuite(proving({ connector: 'kubernetes', as: 'consumer', on: 'fake' }), `kubernetes, a ${kind}`, () => world(kind))
}

attestorSuite(proving({ connector: 'kubernetes', as: 'attestor', on: 'fake' }), 'kubernetes', async () => {
  const { fake, next, old, listed, close } = await world()
  const [first] = await listed()
  const { environments } = fake.api.controllers
  const uid = first?.id.split('.')[0] ?? ''
  return {
    attestor: openAttestor(attestorSchema.parse({ kubeconfig: fake.kubeconfig, namespace: NAMESPACE, name: 'web', secret: 'app' }), host),
    instance: { id: 'as another consumer calls it', name: first?.name ?? '', ready: true },
    next, old, close,
    hold: (which) => {
      const value = { new: next, old, neither: presented() }[which].entries['password']?.reveal() ?? ''
      environments.set(uid, { ...environments.get(uid), APP_PASSWORD: value })
    },
    break: async (fault) => {
      if (fault === 'gone') await fake.inject('unreachable')
      else fake.api.trouble = fault
    },
  }
})

async function inWorld(kind: Kind, body: (world: World) => Promise<void>): Promise<void> {
  const opened = await world(kind)
  try {
    await body(opened)
  } finally {
    await opened.close()
  }
}

const patches = ({ fake }: World): number => fake.api.seen.filter((line) => line.startsWith('PATCH')).length
/** How often the pods were listed. */
const looks = ({ fake }: World): number => fake.api.seen.filter((line) => line.startsWith('GET') && line.includes('/pods?')).length
const rolledOut = ({ fake }: World): string | undefined => /"keyturn\/rollout":"([^"]+)"/.exec(JSON.stringify(fake.api.get('deployments', 'web')))?.[1]

describe('a rollout', () => {
  it('is one for each reload, however soon the next one follows', () => inWorld('Deployment', async (opened) => {
    const seen = new Set<string | undefined>()
    const ids = new Set<string>()
    for (const _ of [1, 2]) {
      valueOf(await opened.consumer.reload(call()))
      seen.add(rolledOut(opened))
      for (const { id } of await opened.listed()) ids.add(id)
    }
    expect([seen.size, ids.size]).toEqual([2, 4])
  }))

  it('that a killed run asked for is only waited for, and asked for again when the Secret has changed since', () => inWorld('Deployment', async (opened) => {
    const { consumer, fake, publish, next, truth } = opened
    publish(next)
    fake.api.controllers.faults.add('slow')
    for (const _ of ['asks', 'only waits']) {
      const [killed, before] = [new AbortController(), looks(opened)]
      const reloading = consumer.reload({ ...call(), signal: killed.signal })
      // The first look is before it is asked for.
      await until(() => looks(opened) > before + 2)
      killed.abort()
      expect(await reloading).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
      expect(patches(opened)).toBe(1)
    }
    fake.api.controllers.faults.clear()
    valueOf(await consumer.reload(call()))
    expect(patches(opened)).toBe(1)
    expect([await truth('web-1'), await truth('web-2')]).toEqual(['new', 'new'])
    publish(opened.old)
    valueOf(await consumer.reload(call()))
    expect(patches(opened)).toBe(2)
  }))

  it.each([
    ['is paused', 'Deployment', { paused: true }, 'kubectl rollout resume'],
    ['has the strategy OnDelete', 'DaemonSet', { updateStrategy: { type: 'OnDelete' } }, 'make it RollingUpdate'],
    ['has a partition', 'StatefulSet', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } }, 'partition of 1'],
  ] as const)('is refused with the reason, and nothing is changed, where the workload %s', (_, kind, spec, says) => inWorld(kind, async (opened) => {
    opened.change(spec)
    for (const answer of [await opened.consumer.preflight(call()), await opened.consumer.reload(call())]) {
      expect(answer).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining(says) })
    }
    expect(patches(opened)).toBe(0)
  }))

  it('tells which key is missing, while the instances of before serve on (S4-12)', () => inWorld('Deployment', async (opened) => {
    const { open, fake, listed, truth } = opened
    const consumer = open({ readyWithin: '2s' })
    fake.api.put('secrets', 'app', { ...fake.api.get('secrets', 'app'), data: { user: 'eA==' } })
    const failed = await consumer.reload(call())
    expect(failed).toMatchObject({ is: 'unknown', code: 'CONSUMER_UNREADY', about: expect.stringMatching(/CreateContainerConfigError: its Secret has no key password$/) })
    expect((await listed()).filter(({ ready }) => ready)).toHaveLength(2)
    expect(await truth('web-1')).toBe('old')
  }))

  it('ends early when the controller has given up', () => inWorld('Deployment', async ({ open, fake }) => {
    fake.api.controllers.faults.add('failing')
    const began = Date.now()
    expect(await open({ readyWithin: '30s' }).reload(call())).toMatchObject({ is: 'unknown', code: 'CONSUMER_UNREADY', about: expect.stringContaining('CrashLoopBackOff'), evidence: { stuck: 'ProgressDeadlineExceeded' } })
    expect(Date.now() - began).toBeLessThan(5_000)
  }))

  it('replaces all pods at the same time when that is asked, and no others', () => inWorld('StatefulSet', async (opened) => {
    const { consumer, fake, listed, publish, next, truth } = opened
    const before = (await listed()).map(({ id }) => id)
    publish(next)
    expect(await consumer.reload(call(), 'at-once')).toMatchObject({ is: 'done', value: { evidence: { reloaded: 2 } } })
    expect((await listed()).filter(({ id }) => before.includes(id))).toEqual([])
    expect([await truth('web-0'), await truth('web-1')]).toEqual(['new', 'new'])
    expect([patches(opened), fake.api.seen.filter((line) => line.startsWith('DELETE')).length]).toEqual([0, 2])
    expect(fake.api.get('pods', 'stranger')?.metadata['deletionTimestamp']).toBeUndefined()
  }))

  it('waits for instances that are ending, and only in a hard cut may none of them be left', () => inWorld('Deployment', async (opened) => {
    const { open, fake, listed } = opened
    const consumer = open({ readyWithin: '30s' })
    fake.api.controllers.faults.add('lingering')
    for (const [pace, answer] of [['rolling', { is: 'done', value: { evidence: { reloaded: 2, draining: 2 } } }], ['at-once', { is: 'unknown', code: 'DEADLINE' }]] as const) {
      const [late, old] = [new AbortController(), (await listed()).map(({ id }) => id)]
      const reloading = consumer.reload({ ...call(), signal: late.signal }, pace)
      await until(async () => (await listed()).filter(({ id, ready }) => ready && !old.includes(id)).length === 2 && (await listed()).length === 2)
      const seen = looks(opened)
      // The reload itself has looked since.
      await until(() => looks(opened) > seen + 2)
      late.abort()
      expect(await reloading).toMatchObject(answer)
    }
  }))

  it('is refused before anything is changed without the right to it', () => inWorld('Deployment', async (opened) => {
    opened.fake.api.denied.add('patch deployments')
    for (const answer of [await opened.consumer.preflight(call()), await opened.consumer.reload(call())]) {
      expect(answer).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: 'to patch deployments/web in atlas' })
    }
  }))
})

describe('preflight', () => {
  const container = (more: object) => ({ template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', ...more }] } } })

  it('refuses a workload that takes nothing from the Secret, and says what it takes (T-19)', () => inWorld('Deployment', async ({ open, consumer, change }) => {
    expect(await open({ secret: 'another' }).preflight(call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('takes nothing from the Secret another: it takes from app (variable of user), app (variable of password)') })
    change(container({}))
    expect(await consumer.preflight(call())).toMatchObject({ is: 'refused', about: expect.stringContaining('it takes from none') })
    expect(await open({ name: 'nobody' }).preflight(call())).toMatchObject({ is: 'refused', code: 'CONSUMER_MISSING', about: 'Deployment atlas/nobody' })
  }))

  it('refuses one whose next pods would not start, because a key is not there', () => inWorld('Deployment', async ({ consumer, change }) => {
    change(container({ env: [{ name: 'X', ...secretKeyRef('passwort') }] }))
    expect(await consumer.preflight(call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('atlas/app has no key passwort') })
  }))

  it('tells what a reader of the plan should know', () => inWorld('Deployment', async ({ consumer, change, fake }) => {
    expect(valueOf(await consumer.preflight(call())).notices).toEqual([])
    fake.api.denied.add('create pods/exec')
    change({
      strategy: { type: 'Recreate' },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [{ name: 'web', env: [{ name: 'X', ...secretKeyRef('maybe', { optional: true }) }], volumeMounts: [{ name: 'one', mountPath: '/one', subPath: 'password' }] }],
          volumes: [{ name: 'one', secret: { secretName: 'app' } }, { name: 'two', projected: { sources: [{ secret: { name: 'app', items: [{ key: 'password', path: 'p' }] } }] } }],
        },
      },
    })
    const said = valueOf(await consumer.preflight(call())).notices.join('\n')
    for (const each of ['not all of its instances', 'Recreate', 'no readiness probe', 'maybe of app is optional', '`subPath`, which never change', 'takes values from files, which change', 'can only be inferred: no right to create pods/exec']) expect(said).toContain(each)
  }))
})

describe('what a pod holds', () => {
  const attested = async ({ consumer, next, old, listed }: World) => {
    const [first] = await listed()
    if (first === undefined) throw new Error('none listed')
    return valueOf(await consumer.attest(first, next, old, call()))
  }
  /** The Secret was last changed then, so many milliseconds after the first pod was started. */
  const age = async ({ fake: { api }, listed }: World, after: number): Promise<void> => {
    const [now, [first]] = [api.get('secrets', 'app'), await listed()]
    if (now !== undefined) Object.assign(now.metadata, { managedFields: [{ time: new Date((first?.startedAt ?? 0) + after).toISOString() }] })
  }

  it('is found out inside, by a command in which no value stands (I11)', () => inWorld('Deployment', async (opened) => {
    expect(await attested(opened)).toEqual({ holds: 'old', by: 'process', evidence: { compared: 1, from: 'exec' } })
    expect(opened.fake.api.seen.some((line) => line.startsWith('UPGRADE') && line.includes('APP_PASSWORD'))).toBe(true)
    for (const { entries } of [opened.old, opened.next]) for (const line of opened.fake.api.seen) expect(line).not.toContain(entries['password']?.reveal())
  }))

  it.each([
    ['the right to look inside', 'RIGHTS_MISSING', ({ fake }: World) => fake.api.denied.add('create pods/exec')],
    ['a shell', 'COMMAND_MISSING', ({ fake }: World) => { fake.shellless = true }],
    ['a first process of its own', 'processes-shared', ({ fake }: World) => {
      for (const [key, pod] of fake.api.objects) if (key.startsWith('pods/')) Object.assign(pod['spec'] as object, { shareProcessNamespace: true })
    }],
  ])('is inferred without %s, from what the Secret held when it started (S4-13)', (_, inside, take) => inWorld('Deployment', async (opened) => {
    take(opened)
    await age(opened, -1_000)
    expect(await attested(opened)).toMatchObject({ holds: 'old', by: 'inferred', evidence: { from: 'start', inside } })
    // In the same second, or after it was started: nothing is known of it.
    for (const after of [0, 1_000]) {
      await age(opened, after)
      expect(await attested(opened)).toMatchObject({ holds: 'unseen', by: 'inferred' })
    }
  }))

  it('is asked of the process that was listed, not of another in its place', () => inWorld('Deployment', async ({ consumer, fake, listed, next, old }) => {
    const [first] = await listed()
    if (first === undefined) throw new Error('none listed')
    for (const [key, pod] of fake.api.objects) if (key.startsWith('pods/') && pod.metadata.uid === first.id.split('.')[0]) {
      const [status] = (pod['status'] as { readonly containerStatuses: readonly [object] }).containerStatuses
      Object.assign(status, { restartCount: 1 })
    }
    expect(await consumer.attest(first, next, old, call())).toMatchObject({ is: 'done', value: { holds: 'unseen', evidence: { running: false } } })
    expect((await listed()).map(({ id }) => id.split('.')[1]).sort()).toEqual(['0', '1'])
  }))
})
