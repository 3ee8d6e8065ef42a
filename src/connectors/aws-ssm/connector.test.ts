import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { storeSuite } from '../../testing/store.ts'
import { type FakeParameterStore, startFakeParameterStore } from './fake.ts'
import { openStore } from './index.ts'
import { storeSchema } from './manifest.ts'

const NAME = '/atlas/prod/db-password'
const KEY = generate(ALNUM, 20)
const call = () => callWithin(10_000)
const ATTRIBUTES = { KeyId: 'alias/atlas', Description: 'of the database', DataType: 'text' }

const open = (fake: FakeParameterStore) => openStore(storeSchema.parse({
  region: 'eu-central-1', endpoint: fake.url, parameter: NAME, adminKey: '${env:KEY}', adminSecret: '${env:KEY}',
}), { resolve: async () => new Secret(KEY) })

async function start(): Promise<FakeParameterStore> {
  const fake = await startFakeParameterStore()
  fake.parameters.set(NAME, { value: generate(ALNUM, 20), type: 'SecureString', version: 3, attributes: ATTRIBUTES })
  fake.parameters.set('/atlas/prod/other', { value: 'other', type: 'SecureString', version: 1, attributes: {} })
  return fake
}

/** What somebody else does: the same value again, as a new version. */
function bump({ parameters }: FakeParameterStore): void {
  const now = parameters.get(NAME)
  if (now !== undefined) parameters.set(NAME, { ...now, version: now.version + 1 })
}

storeSuite(proving({ connector: 'aws-ssm', as: 'store', on: 'fake' }, describe), 'aws-ssm', async () => {
  const fake = await start()
  return {
    store: open(fake), again: () => open(fake), keys: ['value'],
    siblings: () => JSON.stringify([fake.parameters.get('/atlas/prod/other'), fake.parameters.size]).replace(/,[12]\]$/, ''),
    edit: () => bump(fake),
    litter: () => false,
    unreadable: { key: 'value', value: 'x'.repeat(8193) },
    loseAnswer: () => fake.inject('answer-lost'),
    close: () => fake.close(),
  }
})

async function inFake(body: (fake: FakeParameterStore) => Promise<void>): Promise<void> {
  const fake = await start()
  try {
    await body(fake)
  } finally {
    await fake.close()
  }
}

describe('a parameter', () => {
  it('keeps its key and its other attributes over a write', () => inFake(async (fake) => {
    expect(await open(fake).write({ value: new Secret('next') }, '3', call())).toEqual({ is: 'done', value: { revision: '4' } })
    expect(fake.parameters.get(NAME)).toEqual({ value: 'next', type: 'SecureString', version: 4, attributes: ATTRIBUTES })
  }))

  it('that another one wrote in the same moment is told as unknown, and read again', () => inFake(async (fake) => {
    fake.meanwhile.push(() => bump(fake))
    expect(await open(fake).write({ value: new Secret('next') }, '3', call())).toMatchObject({ is: 'unknown', code: 'CONFLICT', evidence: { version: 5 } })
  }))

  it('that is no SecureString, is missing, or is too small for the value is refused', () => inFake(async (fake) => {
    expect(await open(fake).write({ value: new Secret('x'.repeat(5000)) }, '3', call())).toMatchObject({ is: 'refused', code: 'STORE_UNFIT', evidence: { most: 4096 } })
    fake.parameters.set(NAME, { value: 'x', type: 'String', version: 1, attributes: {} })
    expect(await open(fake).preflight(call())).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
    fake.parameters.delete(NAME)
    expect(await open(fake).preflight(call())).toMatchObject({ is: 'refused', code: 'STORE_MISSING' })
    expect(await open(fake).write({ value: new Secret('next') }, 'absent', call())).toMatchObject({ is: 'refused', code: 'STORE_MISSING' })
    expect(fake.parameters.has(NAME)).toBe(false)
  }))
})
