import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openConsumer, openStore } from '../../../src/connectors/kubernetes/index.ts'
import { consumerSchema, storeSchema } from '../../../src/connectors/kubernetes/manifest.ts'
import type { Answer } from '../../../src/kit/answer.ts'
import type { Consumer } from '../../../src/kit/consumer.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/secret.ts'
import type { Store } from '../../../src/kit/store.ts'
import { accessCluster, execInPod } from '../../../src/outside/kubernetes/index.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { valueOf } from '../../../src/testing/consumer.ts'
import { until } from '../../../src/testing/until.ts'
import { hostOf } from './before.ts'
import { type ControlPlane, startControlPlane } from './rig/control-plane.ts'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

interface Document {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly rules?: readonly Rule[]
}

/** The file that the readme tells people to apply. */
const documents = parseAllDocuments(readFileSync(new URL('../../../src/connectors/kubernetes/rbac.yaml', import.meta.url), 'utf8')).map((document) => document.toJS() as Document)
const rules = documents.flatMap((document) => document.rules ?? [])

const call = () => callWithin(10_000)
const labels = { app: 'web' }
const PATHS: Readonly<Record<string, string>> = {
  ServiceAccount: '/api/v1/namespaces/atlas/serviceaccounts', Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/atlas/roles', RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/atlas/rolebindings',
}

let plane: ControlPlane
let pod: string
beforeAll(async () => {
  plane = await startControlPlane()
  await plane.api('POST', '/api/v1/namespaces', { metadata: { name: 'atlas' } })
  await plane.api('POST', '/api/v1/namespaces/atlas/secrets', { metadata: { name: 'app' }, data: { password: Buffer.from(generate(ALNUM, 20)).toString('base64') } })
  await plane.api('POST', '/api/v1/namespaces/atlas/secrets', { metadata: { name: 'other' } })
  pod = await startByHand()
}, 120_000)
afterAll(() => plane?.close())

/** A Deployment with one pod. There are no controllers here, so that each object of it is made by the test. */
async function startByHand(): Promise<string> {
  await plane.api('POST', PATHS['ServiceAccount'] ?? '', { metadata: { name: 'default' } })
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'none', env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'app', key: 'password' } } }] }] } }
  type Made = { readonly metadata: { readonly uid: string } }
  const own = (kind: string, name: string, uid = '') => [{ apiVersion: 'apps/v1', kind, name, uid, controller: true }]
  const deployment = await plane.api<Made>('POST', '/apis/apps/v1/namespaces/atlas/deployments', { metadata: { name: 'web' }, spec: { replicas: 1, selector: { matchLabels: labels }, template } })
  const set = await plane.api<Made>('POST', '/apis/apps/v1/namespaces/atlas/replicasets', { metadata: { name: 'web-1', labels, ownerReferences: own('Deployment', 'web', deployment?.metadata.uid) }, spec: { replicas: 1, selector: { matchLabels: labels }, template } })
  await plane.api('POST', '/api/v1/namespaces/atlas/pods', { metadata: { name: 'web-1-a', labels, ownerReferences: own('ReplicaSet', 'web-1', set?.metadata.uid) }, spec: { ...template.spec, automountServiceAccountToken: false } })
  await plane.api('PATCH', '/api/v1/namespaces/atlas/pods/web-1-a/status', { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } })
  return 'web-1-a'
}

/** What the controllers would say when they had seen it: everything is as it has to be. */
async function report(): Promise<void> {
  const now = await plane.api<{ readonly metadata: { readonly generation: number } }>('GET', '/apis/apps/v1/namespaces/atlas/deployments/web')
  await plane.api('PATCH', '/apis/apps/v1/namespaces/atlas/deployments/web/status', { status: { observedGeneration: now?.metadata.generation, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 } })
}

interface Account {
  readonly kubeconfig: string
  readonly store: Store
  readonly consumer: Consumer
  open(store: object, consumer: object): Pick<Account, 'store' | 'consumer'>
}

/** Applies the file with these rules in place of its own, under another name, and opens the connector as its service account. */
async function accountWith(given: readonly Rule[]): Promise<Account> {
  const name = generate('abcdefghijklmnopqrstuvwxyz', 10)
  for (const document of documents) {
    const renamed = JSON.parse(JSON.stringify(document).replaceAll('"keyturn"', `"${name}"`)) as Document
    await plane.api('POST', PATHS[document.kind] ?? '', { ...renamed, ...(document.rules === undefined ? {} : { rules: given }) })
  }
  const { status: { token } } = (await plane.api<{ readonly status: { readonly token: string } }>('POST', `${PATHS['ServiceAccount'] ?? ''}/${name}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} })) ?? { status: { token: '' } }
  const kubeconfig = plane.kubeconfigFor(token)
  const open: Account['open'] = (store, consumer) => ({
    store: openStore(storeSchema.parse({ kubeconfig, namespace: 'atlas', secret: 'app', ...store }), hostOf(plane.folder)),
    consumer: openConsumer(consumerSchema.parse({ kubeconfig, namespace: 'atlas', name: 'web', secret: 'app', ...consumer }), hostOf(plane.folder)),
  })
  return { kubeconfig, open, ...open({}, {}) }
}

/** The server takes new rights up a moment after it has answered. */
async function settled<T>(ask: () => Promise<Answer<T>>, isSo: (answer: Answer<T>) => boolean): Promise<void> {
  await until(async () => isSo(await ask()))
}

/** Rolls out, with the controllers' part done here. */
async function reload(consumer: Consumer): Promise<Answer<unknown>> {
  const reloading = consumer.reload(call())
  const reporting = setInterval(() => { report().catch(() => undefined) }, 50)
  try {
    return await reloading
  } finally {
    clearInterval(reporting)
  }
}

async function exec(kubeconfig: string): Promise<Answer<unknown>> {
  const cluster = valueOf(await accessCluster({ kubeconfig }, hostOf(plane.folder), call()))
  return execInPod(cluster, { namespace: 'atlas', pod, container: 'web', command: ['true'] }, call())
}

describe('the documented rights', () => {
  it('are enough: nothing of what the store and the consumer do is refused', async () => {
    const { store, consumer, kubeconfig } = await accountWith(rules)
    await settled(() => store.preflight(call()), ({ is }) => is === 'done')
    await settled(() => consumer.preflight(call()), (answer) => answer.is === 'done' && !answer.value.notices.join().includes('no right to'))
    const { revision } = valueOf(await store.read(['password'], call()))
    valueOf(await store.write({ password: new Secret(generate(ALNUM, 20)) }, revision, call()))
    expect(valueOf(await consumer.instances(call())).all).toMatchObject([{ name: 'web-1', ready: true }])
    expect(await reload(consumer)).toMatchObject({ is: 'done' })
    // The server lets it through to a kubelet, which is not here.
    expect(await exec(kubeconfig)).not.toMatchObject({ code: 'RIGHTS_MISSING' })
  })

  it('are for this Secret and this workload, and no others', async () => {
    const { open } = await accountWith(rules)
    const { store, consumer } = open({ secret: 'other' }, { name: 'another' })
    expect(await store.read(['password'], call())).toMatchObject({ is: 'refused', code: 'STORE_DENIED', about: 'to get secrets/other in atlas' })
    expect(await store.write({ password: new Secret('x') }, '1@x', call())).toMatchObject({ is: 'refused', code: 'STORE_DENIED', about: 'to patch secrets/other in atlas' })
    expect(await consumer.reload(call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: 'to get deployments/another in atlas' })
  })

  const each = rules.flatMap(({ resources, verbs }) => verbs.map((verb) => ({ verb, resource: resources[0] ?? '' })))
  const without = (verb: string, resource: string): readonly Rule[] => rules.map((rule) => (rule.resources[0] === resource ? { ...rule, verbs: rule.verbs.filter((one) => one !== verb) } : rule)).filter(({ verbs }) => verbs.length > 0)

  it.each(each.filter(({ resource }) => resource === 'secrets'))('are all needed by the store: without $verb of $resource it is named, before and when it is needed', async ({ verb, resource }) => {
    const { store } = await accountWith(without(verb, resource))
    const named = { is: 'refused', code: 'STORE_DENIED', about: `to ${verb} secrets/app in atlas` }
    await settled(() => store.preflight(call()), (answer) => answer.is === 'refused' && answer.about === named.about)
    const answer = verb === 'get' ? await store.read(['password'], call()) : await store.write({ password: new Secret('x') }, valueOf(await store.read([], call())).revision, call())
    expect(answer).toMatchObject(named)
  })

  it.each(each.filter(({ resource }) => ['deployments', 'replicasets', 'pods'].includes(resource)))('are all needed by the consumer: without $verb of $resource it is named, before and when it is needed', async ({ verb, resource }) => {
    const { consumer } = await accountWith(without(verb, resource))
    const named = { is: 'refused', code: 'RIGHTS_MISSING', about: `to ${verb} ${resource}${resource === 'deployments' ? '/web' : ''} in atlas` }
    await settled(() => consumer.preflight(call()), (answer) => answer.is === 'refused' && answer.about === named.about)
    expect(verb === 'patch' ? await consumer.reload(call()) : await consumer.instances(call())).toMatchObject(named)
  })

  it.each(each.filter(({ resource }) => resource === 'pods/exec'))('for proof from inside are both needed: without $verb the plan says that it will be inferred', async ({ verb }) => {
    const { consumer, kubeconfig } = await accountWith(without(verb, 'pods/exec'))
    await settled(() => consumer.preflight(call()), (answer) => answer.is === 'done' && answer.value.notices.some((notice) => notice.endsWith(`no right to ${verb} pods/exec in atlas`)))
    expect(await exec(kubeconfig)).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING' })
  })
})
