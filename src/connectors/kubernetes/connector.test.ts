import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { storeSuite } from '../../testing/store.ts'
import { type FakeKubernetes, startFakeKubernetes } from './fake.ts'
import { openStore } from './index.ts'
import { storeSchema } from './manifest.ts'

const call = () => callWithin(10_000)
const host: Host = { base: '/', now: () => Date.now(), resolve: async (text) => new Secret(text), conceal: () => undefined }
const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Labels, an annotation, a type and a key beside ours. */
function fill({ api }: FakeKubernetes): void {
  api.put('secrets', 'app', {
    apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { labels: { team: 'atlas', 'app.kubernetes.io/name': 'app' }, annotations: { note: 'kept' } },
    data: { PASSWORD: base64(generate(ALNUM, 20)), 'PASSWORD.old': base64(generate(ALNUM, 20)), 'tls.key': base64('\u0000\u00ff kept') },
  })
}

function siblingsOf({ api }: FakeKubernetes): string {
  const { metadata: { labels, annotations } = {}, data, ...more } = (api.get('secrets', 'app') ?? {}) as { readonly metadata?: { readonly labels?: object; readonly annotations?: object }; readonly data?: object }
  return JSON.stringify([labels, annotations, more, Object.entries(data ?? {}).filter(([key]) => !/^(?:PASSWORD|FRESH)/.test(key))])
}

async function inFake(body: (fake: FakeKubernetes) => Promise<void>): Promise<void> {
  const fake = await startFakeKubernetes()
  try {
    fill(fake)
    await body(fake)
  } finally {
    await fake.close()
  }
}

const storeIn = (fake: FakeKubernetes, more: object = {}) => openStore(storeSchema.parse({ kubeconfig: fake.kubeconfig, namespace: 'atlas', secret: 'app', ...more }), host)

storeSuite(proving({ connector: 'kubernetes', as: 'store', on: 'fake' }), 'kubernetes', async () => {
  const fake = await startFakeKubernetes()
  fill(fake)
  return {
    store: storeIn(fake), again: () => storeIn(fake), keys: ['PASSWORD', 'PASSWORD.old'], fresh: 'FRESH',
    siblings: () => siblingsOf(fake),
    edit: () => {
      const now = fake.api.get('secrets', 'app')
      fake.api.put('secrets', 'app', { ...now, metadata: { ...now?.metadata, labels: { ...now?.metadata.labels, edited: generate(ALNUM, 8) } } })
    },
    litter: () => fake.api.objects.size !== 1,
    unreadable: { key: 'PASSWORD', value: 'cut\0here' },
    loseAnswer: () => fake.inject('answer-lost'),
    close: () => fake.close(),
  }
})

describe('a Secret', () => {
  it('keeps its type, its labels and the keys that are not ours byte for byte (S4-10, C-14)', () => inFake(async (fake) => {
    const before = siblingsOf(fake)
    const store = storeIn(fake)
    const read = await store.read(['PASSWORD'], call())
    const value = new Secret(generate(ALNUM, 32))
    expect(await store.write({ PASSWORD: value }, read.is === 'done' ? read.value.revision : '', call())).toMatchObject({ is: 'done' })
    expect(siblingsOf(fake)).toBe(before)
    expect(fake.api.get('secrets', 'app')?.['data']).toMatchObject({ PASSWORD: base64(value.reveal()) })
    for (const line of fake.api.seen) expect(line).not.toContain(base64(value.reveal()).slice(0, 20))
  }))

  it('that is immutable is refused with the way out, before and at a write', () => inFake(async (fake) => {
    fake.api.put('secrets', 'app', { ...fake.api.get('secrets', 'app'), immutable: true })
    const store = storeIn(fake)
    const read = await store.read(['PASSWORD'], call())
    const revision = read.is === 'done' ? read.value.revision : ''
    for (const answer of [await store.preflight(call()), await store.write({ PASSWORD: new Secret('x') }, revision, call())]) {
      expect(answer).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('is immutable: make a Secret of another name') })
    }
  }))

  it('that something else makes is refused, and one that others write too is told', () => inFake(async (fake) => {
    const now = fake.api.get('secrets', 'app')
    fake.api.put('secrets', 'app', { ...now, metadata: { ...now?.metadata, labels: { 'argocd.argoproj.io/instance': 'atlas' }, annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } } })
    expect(await storeIn(fake).preflight(call())).toMatchObject({ is: 'done', value: { notices: [expect.stringContaining('Argo CD'), expect.stringContaining('kubectl apply')] } })
    fake.api.put('secrets', 'app', { ...now, metadata: { ...now?.metadata, ownerReferences: [{ apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', name: 'app', uid: 'x', controller: true }] } })
    expect(await storeIn(fake).preflight(call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('is made by SealedSecret app') })
  }))

  it('that is not there is refused with the way out, or made where the configuration says so', () => inFake(async (fake) => {
    fake.api.drop('secrets', 'app')
    for (const answer of [await storeIn(fake).preflight(call()), await storeIn(fake).read(['PASSWORD'], call()), await storeIn(fake).write({ PASSWORD: new Secret('x') }, 'absent', call()), await storeIn(fake).write({ PASSWORD: new Secret('x') }, '5@u', call())]) {
      expect(answer).toMatchObject({ is: 'refused', code: 'STORE_MISSING', about: expect.stringContaining('create: true') })
    }
    const making = storeIn(fake, { create: true })
    expect(await making.preflight(call())).toMatchObject({ is: 'done', value: { notices: [expect.stringContaining('will be made')] } })
    expect(await making.read(['PASSWORD'], call())).toEqual({ is: 'done', value: { entries: {}, revision: 'absent' } })
    expect(await making.write({ PASSWORD: new Secret('made') }, 'absent', call())).toMatchObject({ is: 'done' })
    expect(await making.write({ PASSWORD: new Secret('again') }, 'absent', call())).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    const read = await making.read(['PASSWORD'], call())
    expect(read.is === 'done' && read.value.entries['PASSWORD']?.reveal()).toBe('made')
  }))

  it('whose key is no text is refused and not read as another', () => inFake(async (fake) => {
    expect(await storeIn(fake).read(['tls.key'], call())).toMatchObject({ is: 'done' })
    fake.api.put('secrets', 'app', { ...fake.api.get('secrets', 'app'), data: { PASSWORD: Buffer.from([0xff, 0xfe]).toString('base64') } })
    expect(await storeIn(fake).read(['PASSWORD'], call())).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
  }))

  it.each([['get', 'read'], ['patch', 'write'], ['create', 'make']])('without the right to %s names it, before and when it is needed', (verb, what) => inFake(async (fake) => {
    if (what === 'make') fake.api.drop('secrets', 'app')
    fake.api.denied.add(`${verb} secrets`)
    const store = storeIn(fake, { create: what === 'make' })
    const revision = what === 'make' ? 'absent' : `1@x`
    const acts = { read: () => store.read(['PASSWORD'], call()), write: () => store.write({ PASSWORD: new Secret('x') }, revision, call()), make: () => store.write({ PASSWORD: new Secret('x') }, revision, call()) }
    for (const answer of [await store.preflight(call()), await acts[what as keyof typeof acts]()]) {
      expect(answer).toMatchObject({ is: 'refused', code: 'STORE_DENIED', about: expect.stringContaining(`to ${verb} secrets`) })
    }
  }))

  it('is refused to somebody whom the server does not know, and unknown after a lost connection', () => inFake(async (fake) => {
    const store = storeIn(fake)
    const read = await store.read(['PASSWORD'], call())
    for (const fault of ['server-error', 'slow'] as const) {
      await fake.inject(fault)
      expect(await store.write({ PASSWORD: new Secret('x') }, read.is === 'done' ? read.value.revision : '', callWithin(300))).toMatchObject({ is: 'unknown' })
    }
    await fake.inject('unreachable')
    expect(await store.write({ PASSWORD: new Secret('x') }, '1@x', call())).toMatchObject({ is: 'refused', code: 'UNREACHABLE' })
  }))
})
