import { DescribeParametersCommand, GetParameterCommand, GetParametersByPathCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isEffect } from '../../../src/connectors/aws-ssm/fake.ts'
import { openStore } from '../../../src/connectors/aws-ssm/index.ts'
import { storeSchema } from '../../../src/connectors/aws-ssm/manifest.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { forwardTo, startFaultyHttp } from '../../../src/testing/faulty-http.ts'
import { storeSuite, type StoreUnderTest } from '../../../src/testing/store.ts'
import { type Moto, startMoto } from '../../servers/moto.ts'
import { proving } from '../claims.ts'

let moto: Moto
let aws: SSMClient
beforeAll(async () => {
  moto = await startMoto()
  aws = new SSMClient({ endpoint: moto.url, region: 'eu-central-1', maxAttempts: 1, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } })
})
afterAll(async () => {
  aws.destroy()
  await moto.close()
})

const KEY = generate(ALNUM, 20)
let made = 0

const put = (Name: string, Value: string, more: object = {}) => aws.send(new PutParameterCommand({ Name, Value, Type: 'SecureString', Overwrite: true, ...more }))

async function makeStore(): Promise<StoreUnderTest & { readonly name: string }> {
  const path = `/atlas${made += 1}`
  const name = `${path}/db-password`
  await put(name, generate(ALNUM, 20), { KeyId: 'alias/atlas', Description: 'of the database' })
  await put(`${path}/other`, generate(ALNUM, 20))
  const front = await startFaultyHttp({ answer: forwardTo(moto.url), isEffect })
  const open = () => openStore(storeSchema.parse({ region: 'eu-central-1', endpoint: front.url, parameter: name, adminKey: '${env:KEY}', adminSecret: '${env:KEY}' }), { resolve: async () => new Secret(KEY) })
  return {
    name, store: open(), again: open, keys: ['value'],
    siblings: async () => {
      const { Parameters = [] } = await aws.send(new GetParametersByPathCommand({ Path: path, WithDecryption: true }))
      return JSON.stringify(Parameters.filter((one) => one.Name !== name))
    },
    edit: async () => {
      const { Parameter } = await aws.send(new GetParameterCommand({ Name: name, WithDecryption: true }))
      await put(name, Parameter?.Value ?? '')
    },
    litter: () => false,
    unreadable: { key: 'value', value: 'x'.repeat(8193) },
    loseAnswer: () => front.inject('answer-lost'),
    close: () => front.close(),
  }
}

storeSuite(proving(() => ({ connector: 'aws-ssm', as: 'store', on: moto.version }), describe), 'aws-ssm on moto', makeStore)

it('a write keeps the key and the description of the parameter, and makes a new version (aws-ssm on moto)', async () => {
  const under = await makeStore()
  try {
    const next = new Secret(generate(ALNUM, 32))
    expect(await under.store.write({ value: next }, '1', callWithin(10_000))).toEqual({ is: 'done', value: { revision: '2' } })
    const { Parameters = [] } = await aws.send(new DescribeParametersCommand({ ParameterFilters: [{ Key: 'Name', Values: [under.name] }] }))
    expect(Parameters).toMatchObject([{ KeyId: 'alias/atlas', Description: 'of the database', Type: 'SecureString', Version: 2 }])
  } finally {
    await under.close()
  }
})
