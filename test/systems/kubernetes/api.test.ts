import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../../src/connectors/kubernetes/index.ts'
import { storeSchema } from '../../../src/connectors/kubernetes/manifest.ts'
import { secretSchema } from '../../../src/connectors/kubernetes/secret.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/secret.ts'
import type { Store } from '../../../src/kit/store.ts'
import { accessCluster } from '../../../src/outside/kubernetes/index.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { valueOf } from '../../../src/testing/consumer.ts'
import { storeSuite } from '../../../src/testing/store.ts'
import { until } from '../../../src/testing/until.ts'
import { proving } from '../claims.ts'
import { hostOf, startBefore, withoutAuthority } from './before.ts'
import { type ControlPlane, startControlPlane } from './rig/control-plane.ts'

let plane: ControlPlane
beforeAll(async () => {
  plane = await startControlPlane()
}, 120_000)
afterAll(() => plane.close())

const call = () => callWithin(20_000)
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const path = (name: string): string => `/api/v1/namespaces/default/secrets/${name}`

interface Kept {
  readonly metadata: { readonly labels: object; readonly annotations: object; readonly resourceVersion: string }
  readonly type: string
  readonly data: Readonly<Record<string, string>>
}

/** A Secret with labels, annotations, a type and other keys beside ours. */
async function fill(more: object = {}): Promise<string> {
  const name = generate('abcdefghijklmnopqrstuvwxyz', 12)
  await plane.api('POST', '/api/v1/namespaces/default/secrets', {
    metadata: { name, labels: { team: 'atlas', 'app.kubernetes.io/name': 'app' }, annotations: { note: 'kept "as" it is' } },
    type: 'kubernetes.io/tls',
    data: { PASSWORD: base64(generate(ALNUM, 20)), 'PASSWORD.old': base64(generate(ALNUM, 20)), 'tls.crt': base64('\u0000\u00ff kept'), 'tls.key': base64('kept too') },
    ...more,
  })
  return name
}

const open = (secret: string, kubeconfig = plane.kubeconfig, more: object = {}): Store => openStore(storeSchema.parse({ kubeconfig, namespace: 'default', secret, ...more }), hostOf(plane.folder))

async function siblingsOf(name: string): Promise<string> {
  const { metadata: { labels, annotations }, type, data } = (await plane.api<Kept>('GET', path(name))) ?? { metadata: {}, data: {} } as Kept
  return JSON.stringify([labels, annotations, type, Object.entries(data).filter(([key]) => !/^(?:PASSWORD|FRESH)/.test(key))])
}

storeSuite(proving(() => ({ connector: 'kubernetes', as: 'store', on: plane.says })), 'kubernetes, a real API server', async () => {
  const name = await fill()
  const front = await startBefore(plane)
  return {
    store: open(name, front.kubeconfig), again: () => open(name, front.kubeconfig), keys: ['PASSWORD', 'PASSWORD.old'], fresh: 'FRESH',
    siblings: () => siblingsOf(name),
    edit: async () => { await plane.api('PATCH', path(name), { metadata: { labels: { edited: generate(ALNUM, 8) } } }) },
    litter: () => false,
    unreadable: { key: 'PASSWORD', value: 'cut\0here' },
    loseAnswer: () => front.inject('answer-lost'),
    close: () => front.close(),
  }
})

describe('a real API server', () => {
  const read = async (store: Store) => valueOf(await store.read(['PASSWORD'], call()))
  const next = () => ({ PASSWORD: new Secret(generate(ALNUM, 32)) })

  it('refuses to change an immutable Secret, which is told with the way out, before and at a write', async () => {
    const store = open(await fill({ immutable: true }))
    const { revision } = await read(store)
    for (const answer of [await store.preflight(call()), await store.write(next(), revision, call())]) {
      expect(answer).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('immutable') })
    }
  })

  it('tells a Secret that was taken away and made again from the one that was read (CONFLICT)', async () => {
    const name = await fill()
    const store = open(name)
    const { revision } = await read(store)
    const [, uid] = revision.split('@')
    await plane.api('DELETE', path(name))
    expect(await store.write(next(), revision, call())).toMatchObject({ is: 'refused', code: 'STORE_MISSING' })
    const again = await plane.api<Kept>('POST', '/api/v1/namespaces/default/secrets', { metadata: { name }, data: { PASSWORD: base64('another') } })
    expect(await store.write(next(), revision, call())).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    // A restored etcd may come to the same number again.
    expect(await store.write(next(), `${again?.metadata.resourceVersion ?? ''}@${uid ?? ''}`, call())).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    expect((await read(store)).entries['PASSWORD']?.reveal()).toBe('another')
  })

  it('makes a Secret where the configuration says so, once', async () => {
    const store = open(generate('abcdefghijklmnopqrstuvwxyz', 12), plane.kubeconfig, { create: true })
    const { revision } = await read(store)
    expect(valueOf(await store.preflight(call())).notices).toEqual([expect.stringContaining('will be made')])
    const given = next()
    const written = valueOf(await store.write(given, revision, call()))
    expect(await read(store)).toMatchObject({ revision: written.revision, entries: { PASSWORD: given.PASSWORD } })
    expect(await store.write(next(), revision, call())).toMatchObject({ is: 'refused', code: 'CONFLICT' })
  })

  it('does not know a token that is none', async () => {
    const name = await fill()
    const store = open(name, plane.kubeconfigFor(generate(ALNUM, 32)))
    for (const answer of [await store.preflight(call()), await store.read(['PASSWORD'], call()), await store.write(next(), '1@x', call())]) {
      expect(answer).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
    }
  })

  it('knows a service account by the files of its pod, also after its token was renewed in its file', async () => {
    const name = await fill()
    const accounts = '/api/v1/namespaces/default/serviceaccounts/pod'
    await plane.api('POST', accounts.replace(/\/pod$/, ''), { metadata: { name: 'pod' } })
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default'
    await plane.api('POST', `${rbac}/roles`, { metadata: { name: 'pod' }, rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }] })
    await plane.api('POST', `${rbac}/rolebindings`, { metadata: { name: 'pod' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'pod' }, subjects: [{ kind: 'ServiceAccount', name: 'pod', namespace: 'default' }] })
    const renew = async (): Promise<void> => {
      const made = await plane.api<{ readonly status: { readonly token: string } }>('POST', `${accounts}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} })
      writeFileSync(join(folder, 'token'), made?.status.token ?? '')
    }
    const folder = join(plane.folder, 'account')
    mkdirSync(folder)
    writeFileSync(join(folder, 'ca.crt'), plane.ca)
    writeFileSync(join(folder, 'namespace'), 'default')
    writeFileSync(join(folder, 'token'), generate(ALNUM, 20))
    const { hostname, port } = new URL(plane.url)
    const cluster = valueOf(await accessCluster({}, hostOf('/'), call(), { env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }, home: folder, serviceAccount: folder }))
    const look = () => cluster.get({ api: 'v1', kind: 'secrets', namespace: cluster.connection.namespace, name }, secretSchema, call())
    expect(await look()).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
    await renew()
    await until(async () => (await look()).is === 'done')
  })

  it('is not trusted without its authority, and nothing is sent to it then', async () => {
    const store = open(await fill(), withoutAuthority(plane))
    expect(await store.write(next(), '1@x', call())).toMatchObject({ is: 'refused', code: 'UNREACHABLE', evidence: { cause: expect.stringMatching(/SELF_SIGNED|UNABLE_TO_VERIFY/) } })
  })

  it('that gives no answer for seconds leaves the outcome unknown at the deadline; what lands later is found by looking (X-10)', async () => {
    const name = await fill()
    const front = await startBefore(plane)
    const store = open(name, front.kubeconfig)
    const { revision } = await read(store)
    const given = next()
    plane.signal('SIGSTOP')
    try {
      // The signal takes a moment to reach every thread.
      await until(async () => (await store.read([], callWithin(1_000))).is !== 'done')
      const within = callWithin(1_500)
      expect(await store.write(given, revision, within)).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
      expect(Date.now()).toBeLessThan(within.deadline + 1_500)
      // Nothing was sent to a server that did not even agree on TLS.
      expect(await open(name).write(given, revision, callWithin(500))).toMatchObject({ is: 'refused', code: 'UNREACHABLE' })
    } finally {
      plane.signal('SIGCONT')
    }
    await until(async () => given.PASSWORD.equals((await read(store)).entries['PASSWORD']))
    expect((await read(store)).revision).not.toBe(revision)
    expect(await store.write(next(), revision, call())).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    await front.close()
  })
})
