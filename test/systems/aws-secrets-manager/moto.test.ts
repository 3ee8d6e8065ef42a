import { CreateSecretCommand, GetSecretValueCommand, PutSecretValueCommand, RotateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { isEffect } from '../../../src/connectors/aws-secrets-manager/fake.ts'
import { openIssuer, openStore } from '../../../src/connectors/aws-secrets-manager/index.ts'
import { issuerSchema, storeSchema } from '../../../src/connectors/aws-secrets-manager/manifest.ts'
import type { Host } from '../../../src/kit/call.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { forwardTo, startFaultyHttp } from '../../../src/testing/faulty-http.ts'
import { issuerSuite, type IssuerWorld } from '../../../src/testing/issuer.ts'
import { storeSuite, type StoreUnderTest } from '../../../src/testing/store.ts'
import { type Moto, startMoto } from '../../servers/moto.ts'
import { proving } from '../claims.ts'
import { stagesOf, startFunction } from './function.ts'

let moto: Moto
let aws: SecretsManagerClient
beforeAll(async () => {
  moto = await startMoto()
  aws = new SecretsManagerClient({ endpoint: moto.url, region: 'eu-central-1', maxAttempts: 1, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } })
})
afterAll(async () => {
  aws.destroy()
  await moto.close()
})

const KEY = generate(ALNUM, 20)
const host: Host = { base: '/', now: () => Date.now(), resolve: async () => new Secret(KEY), conceal: () => undefined }
const placeAt = (endpoint: string, secret: string) => ({ region: 'eu-central-1', endpoint, secret, adminKey: '${env:KEY}', adminSecret: '${env:KEY}' })
let made = 0
const freshName = (): string => `aegis/secret-${made += 1}`
const on = () => ({ on: moto.version })

async function makeWorld(users: 'single' | 'alternating'): Promise<IssuerWorld> {
  const [name, password] = [freshName(), generate(ALNUM, 32)]
  const value = { engine: 'postgres', host: 'db', port: 5432, username: 'aegis', password }
  await aws.send(new CreateSecretCommand({ Name: name, SecretString: JSON.stringify(value) }))
  // moto rotates at once when rules are given, and counts the secret as one that rotates from then on.
  await aws.send(new RotateSecretCommand({ SecretId: name, RotationRules: { AutomaticallyAfterDays: 90 } }))
  await aws.send(new PutSecretValueCommand({ SecretId: name, SecretString: JSON.stringify(value), VersionStages: ['AWSCURRENT'] }))
  const front = await startFunction(moto.url, aws, name, users === 'alternating')
  let back: Promise<void> | undefined
  return {
    siblings: [],
    current: { id: `${name}/aegis`, fields: { username: new Secret('aegis'), password: new Secret(password) } },
    open: () => {
      back = front.restart()
      return openIssuer(issuerSchema.parse({ ...placeAt(front.url, name), users }), host)
    },
    use: async () => ({ alive: async () => true, close: async () => undefined }),
    inject: async (fault) => {
      if (fault !== 'full') await front.inject(fault)
    },
    close: async () => {
      await back
      await front.close()
    },
  }
}

for (const users of ['single', 'alternating'] as const) {
  issuerSuite(proving(() => ({ connector: 'aws-secrets-manager', as: 'issuer', strategy: 'provider-managed', on: `${moto.version}, whose rotation function the test plays` }), describe), `aws-secrets-manager on moto, ${users}`, () => makeWorld(users))
}

async function makeStore(): Promise<StoreUnderTest & { readonly name: string }> {
  const name = freshName()
  await aws.send(new CreateSecretCommand({ Name: name, SecretString: `{\n  "PASSWORD": "${generate(ALNUM, 20)}",  "engine": "postgres",\n  "port":5432 , "PASS": "another", "PASSWORD_OLD": "x"\n}\n` }))
  const front = await startFaultyHttp({ answer: forwardTo(moto.url), isEffect })
  const open = () => openStore(storeSchema.parse(placeAt(front.url, name)), host)
  const text = async (): Promise<string> => (await aws.send(new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSCURRENT' }))).SecretString ?? ''
  return {
    name, store: open(), again: open, keys: ['PASSWORD', 'PASSWORD_OLD'], fresh: 'NEW_PASSWORD',
    siblings: async () => (await text()).replaceAll(/"(?:PASSWORD|PASSWORD_OLD|NEW_PASSWORD)": ?"\w*"/g, '""').replaceAll(/,?\s*""\s*/g, ''),
    edit: async () => {
      await aws.send(new PutSecretValueCommand({ SecretId: name, SecretString: (await text()).replace('"PASS": "', '"PASS": "more ') }))
    },
    leave: async () => {
      await aws.send(new PutSecretValueCommand({ SecretId: name, ClientRequestToken: `keyturn-${generate(ALNUM, 36)}`, SecretString: '{}', VersionStages: ['AWSPENDING'] }))
    },
    litter: async () => Object.values(await stagesOf(aws, name)).some((labels) => labels.includes('AWSPENDING')),
    loseAnswer: () => front.inject('answer-lost'),
    close: () => front.close(),
  }
}

storeSuite(proving(() => ({ connector: 'aws-secrets-manager', as: 'store', ...on() }), describe), 'aws-secrets-manager on moto', makeStore)

describe('aws-secrets-manager on moto', () => {
  it('uses the standard credential chain of the SDK when no admin is named', async () => {
    const under = await makeStore()
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'from-the-chain')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', KEY)
    const { adminKey: _, adminSecret: __, ...place } = placeAt(moto.url, under.name)
    try {
      expect(await openStore(storeSchema.parse(place), host).read(['PASSWORD'], callWithin(10_000))).toMatchObject({ is: 'done' })
    } finally {
      vi.unstubAllEnvs()
      await under.close()
    }
  })

  it('an outage past the deadline is unknown or refused, never done, and the write goes through after it (S3-32)', async () => {
    const under = await makeStore()
    const { store } = under
    const before = await store.read(['PASSWORD'], callWithin(10_000))
    if (before.is !== 'done') throw new Error(before.is)
    const next = new Secret(generate(ALNUM, 32))
    moto.pause()
    try {
      const late = await store.write({ PASSWORD: next }, before.value.revision, callWithin(1_500))
      expect(late).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    } finally {
      moto.resume()
    }
    const again = await store.read(['PASSWORD'], callWithin(10_000))
    if (again.is !== 'done') throw new Error(again.is)
    expect(await store.write({ PASSWORD: next }, again.value.revision, callWithin(10_000))).toMatchObject({ is: 'done' })
    const stages = Object.values(await stagesOf(aws, under.name)).flat().sort()
    expect(stages).toEqual(['AWSCURRENT', 'AWSPREVIOUS'])
    await under.close()
  })
})
