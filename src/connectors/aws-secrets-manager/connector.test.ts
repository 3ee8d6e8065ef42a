import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Answer } from '../../kit/answer.ts'
import type { Credential, Issuer } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import { storeSuite } from '../../testing/store.ts'
import { patched } from './document.ts'
import { type FakeSecret, type FakeSecretsManager, startFakeSecretsManager } from './fake.ts'
import { openIssuer, openStore } from './index.ts'
import { issuerSchema, storeSchema } from './manifest.ts'
import { nameOf } from './service.ts'

const KEY = generate(ALNUM, 20)
const host: Host = { base: '/', now: () => Date.now(), resolve: async () => new Secret(KEY), conceal: () => undefined }
const place = (fake: FakeSecretsManager) => ({ region: 'eu-central-1', endpoint: fake.url, secret: 'aegis/db-password', adminKey: '${env:KEY}', adminSecret: '${env:KEY}' })
const call = () => callWithin(10_000)

interface World extends IssuerWorld {
  readonly fake: FakeSecretsManager
  readonly secret: FakeSecret
}

async function makeWorld(users: 'single' | 'alternating'): Promise<World> {
  const fake = await startFakeSecretsManager()
  const password = generate(ALNUM, 32)
  fake.make('aegis/db-password', JSON.stringify({ engine: 'postgres', host: 'db', port: 5432, username: 'aegis', password }))
  const secret = fake.secrets.get('aegis/db-password')
  if (secret === undefined) throw new Error('no secret')
  secret.alternating = users === 'alternating'
  let back: Promise<void> | undefined
  return {
    fake, secret, siblings: [],
    current: { id: 'aegis/db-password/aegis', fields: { username: new Secret('aegis'), password: new Secret(password) } },
    open: () => {
      // An outage lasts until the next run of keyturn.
      back = fake.restart()
      return openIssuer(issuerSchema.parse({ ...place(fake), users }), host)
    },
    use: async () => ({ alive: async () => true, close: async () => undefined }),
    inject: async (fault) => {
      if (fault !== 'full') await fake.inject(fault)
    },
    close: async () => {
      await back
      await fake.close()
    },
  }
}

for (const users of ['single', 'alternating'] as const) {
  issuerSuite(proving({ connector: 'aws-secrets-manager', as: 'issuer', strategy: 'provider-managed', on: 'fake' }, describe), `aws-secrets-manager, ${users}`, () => makeWorld(users))
}

storeSuite(proving({ connector: 'aws-secrets-manager', as: 'store', on: 'fake' }, describe), 'aws-secrets-manager', async () => {
  const fake = await startFakeSecretsManager()
  const others = '"engine": "postgres",\n  "port":5432 , "PASS": "another"'
  fake.make('aegis/db-password', `{\n  "PASSWORD": "${generate(ALNUM, 20)}",  ${others}, "PASSWORD_OLD": "${generate(ALNUM, 20)}"\n}\n`)
  const secret = fake.secrets.get('aegis/db-password')
  const open = () => openStore(storeSchema.parse(place(fake)), host)
  const current = () => [...(secret?.versions ?? [])].find(([, { labels }]) => labels.has('AWSCURRENT'))
  return {
    store: open(), again: open, keys: ['PASSWORD', 'PASSWORD_OLD'], fresh: 'NEW_PASSWORD',
    siblings: () => (current()?.[1].text ?? '').replaceAll(/"(?:PASSWORD|PASSWORD_OLD|NEW_PASSWORD)": ?"\w*"/g, '""').replaceAll(/,?\s*""\s*/g, ''),
    edit: () => {
      const [id, version] = current() ?? []
      if (secret === undefined || id === undefined || version === undefined) throw new Error('no version')
      secret.versions.set(generate(ALNUM, 36), { text: version.text.replace('"PASS": "', '"PASS": "more '), labels: new Set(['AWSCURRENT']) })
      version.labels.delete('AWSCURRENT')
      version.labels.add('AWSPREVIOUS')
    },
    leave: () => {
      secret?.versions.set('keyturn-left', { text: '{}', labels: new Set(['AWSPENDING']) })
    },
    litter: () => [...(secret?.versions.values() ?? [])].some(({ labels }) => labels.has('AWSPENDING')),
    loseAnswer: () => fake.inject('answer-lost'),
    close: () => fake.close(),
  }
})

async function inWorld(body: (world: World, issuer: Issuer) => Promise<void>): Promise<void> {
  const world = await makeWorld('single')
  try {
    await body(world, world.open())
  } finally {
    await world.close()
  }
}

const intent = (issuer: Issuer, current: Credential, tag: string) => ({ credential: issuer.propose(current), tag })
const valueOf = <T>(answer: Answer<T>): T | undefined => (answer.is === 'done' ? answer.value : undefined)

describe('a secret that AWS rotates', () => {
  it('is awaited until AWSCURRENT has moved and AWSPENDING is gone (S3-29, C-24)', () => inWorld(async ({ secret, current }, issuer) => {
    secret.patience = 3
    await issuer.mint(intent(issuer, current, 'a'), call())
    const seen = [valueOf(await issuer.collect?.('a', call()) ?? { is: 'refused', code: 'INTERNAL' }), valueOf(await issuer.collect?.('a', call()) ?? { is: 'refused', code: 'INTERNAL' })]
    expect(seen.map((one) => one?.evidence)).toEqual([{ labels: 'AWSPENDING' }, { labels: 'AWSPENDING' }])
    const through = valueOf(await issuer.collect?.('a', call()) ?? { is: 'refused', code: 'INTERNAL' })
    expect(through?.credential?.fields['password']?.equals(current.fields['password'])).toBe(false)
  }))

  it('whose function failed is found: AWSPENDING stays, nothing more is started, and preflight says so (S3-61)', () => inWorld(async ({ fake, secret, current }, issuer) => {
    secret.patience = Infinity
    await issuer.mint(intent(issuer, current, 'a'), call())
    const stuck = { is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('AWSPENDING') as string }
    expect(await issuer.preflight(current, 'pending', call())).toMatchObject(stuck)
    expect(await issuer.mint(intent(issuer, current, 'b'), call())).toMatchObject(stuck)
    expect(fake.asked.filter((name) => name === 'RotateSecret').length).toBe(1)
    const store = openStore(storeSchema.parse(place(fake)), host)
    secret.versions.set('a'.repeat(36), { text: '{}', labels: new Set(['AWSPENDING']) })
    for (const [id, { labels }] of secret.versions) if (id.startsWith('keyturn-')) labels.delete('AWSPENDING')
    expect(await store.preflight(call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
    expect((await store.tidy(call())).is).toBe('done')
    expect(secret.versions.get('a'.repeat(36))?.labels.has('AWSPENDING')).toBe(true)
  }))

  it('without a rotation function is refused before anything is done (S3-28)', () => inWorld(async ({ secret, current }, issuer) => {
    secret.rotates = false
    expect(await issuer.preflight(current, 'pending', call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
  }))

  it('one that is to be deleted is missing', () => inWorld(async ({ secret, current }, issuer) => {
    secret.deleted = true
    expect(await issuer.preflight(current, 'pending', call())).toMatchObject({ is: 'refused', code: 'STORE_MISSING' })
  }))
})

describe('the labels of a secret (S3-32)', () => {
  it('a write leaves the value before it under AWSPREVIOUS', () => inWorld(async ({ fake, secret, current }) => {
    const store = openStore(storeSchema.parse(place(fake)), host)
    const before = valueOf(await store.read(['password'], call()))
    await store.write({ password: new Secret('next') }, before?.revision ?? '', call())
    const previous = secret.versions.get(before?.revision ?? '')
    expect([...(previous?.labels ?? [])]).toEqual(['AWSPREVIOUS'])
    expect(JSON.parse(previous?.text ?? '{}')).toMatchObject({ password: current.fields['password']?.reveal() })
  }))

  it('a write that loses the race takes its candidate back', () => inWorld(async ({ fake, secret }) => {
    const store = openStore(storeSchema.parse(place(fake)), host)
    const before = valueOf(await store.read(['password'], call()))?.revision ?? ''
    const winner = 'w'.repeat(36)
    fake.meanwhile.set('UpdateSecretVersionStage', () => {
      secret.versions.set(winner, { text: '{"username":"aegis","password":"theirs"}', labels: new Set(['AWSCURRENT']) })
      secret.versions.get(before)?.labels.delete('AWSCURRENT')
    })
    expect(await store.write({ password: new Secret('mine') }, before, call())).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    expect(fake.asked.includes('PutSecretValue')).toBe(true)
    expect([...secret.versions].find(([, { labels }]) => labels.has('AWSCURRENT'))?.[0]).toBe(winner)
    expect([...secret.versions.values()].some(({ labels }) => labels.has('AWSPENDING'))).toBe(false)
  }))
})

it('a name and its ARN are one store', () => {
  expect(nameOf('arn:aws:secretsmanager:eu-central-1:123456789012:secret:aegis/db-password-a1B2c3')).toBe('aegis/db-password')
  expect(nameOf('aegis/db-password')).toBe('aegis/db-password')
})

it('a key that stands twice in the JSON is not changed: readers differ in which one they take', () => {
  expect(patched(new Secret('{"a":"1","a":"2"}'), { a: new Secret('3') }, 'x')).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
})
