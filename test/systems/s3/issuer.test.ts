import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openIssuer } from '../../../src/connectors/s3/index.ts'
import { issuerSchema } from '../../../src/connectors/s3/manifest.ts'
import { prove } from '../../../src/connectors/s3/proof.ts'
import type { AccessKey } from '../../../src/connectors/s3/signed.ts'
import type { Credential } from '../../../src/kit/issuer.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { forwardTo, startFaultyHttp } from '../../../src/testing/faulty-http.ts'
import { issuerSuite, type IssuerWorld } from '../../../src/testing/issuer.ts'
import { proving } from '../claims.ts'
import { type Minio, startMinio } from './minio.ts'

let minio: Minio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.close())

const credentialOf = ({ accessKeyId, secretAccessKey }: AccessKey): Credential => ({ id: accessKeyId, fields: { accessKeyId: new Secret(accessKeyId), secretAccessKey } })
let users = 0

function open(endpoint: string, user: string, admin: AccessKey) {
  const config = issuerSchema.parse({ endpoint, bucket: minio.bucket, adminKey: '${env:ID}', adminSecret: '${env:SECRET}', user, name: 'atlas-media' })
  const resolve = async (text: string): Promise<Secret> => (text === '${env:ID}' ? new Secret(admin.accessKeyId) : admin.secretAccessKey)
  return openIssuer(config, { base: '/', now: () => Date.now(), resolve, conceal: () => undefined })
}

async function makeWorld(): Promise<IssuerWorld> {
  const name = `atlas${users += 1}`
  const [user, stranger] = [await minio.user(name), await minio.user(`${name}x`)]
  const current = credentialOf(await minio.accessKey(user, 'atlas-media'))
  const siblings = [credentialOf(await minio.accessKey(user, 'other')), credentialOf(stranger)]
  const front = await startFaultyHttp({ answer: forwardTo(minio.url), isEffect: ({ method, url }) => method !== 'GET' && url.startsWith('/minio/') })
  const place = { bucket: minio.bucket, prefix: '', proof: ['put' as const, 'get' as const, 'list' as const, 'delete' as const], region: 'us-east-1' }
  let back: Promise<void> | undefined
  return {
    current, siblings,
    open: () => {
      back = front.restart()
      return open(front.url, name, minio.root)
    },
    use: async ({ id, fields }) => ({
      alive: async () => {
        const seen = await prove(minio.url, place, { accessKeyId: id, secretAccessKey: fields['secretAccessKey'] ?? new Secret('') }, callWithin(5_000))
        return seen.is === 'done' && seen.value.verdict === 'accepted'
      },
      close: async () => undefined,
    }),
    inject: async (fault) => {
      if (fault === 'full') await minio.accessKey(user, 'atlas-media')
      else await front.inject(fault)
    },
    close: async () => {
      await back
      await front.close()
    },
  }
}

issuerSuite(proving(() => ({ connector: 's3', as: 'issuer', strategy: 'overlap', on: minio.version }), describe), 's3 on MinIO', makeWorld)

describe('s3 on MinIO', () => {
  const call = (ms = 10_000) => callWithin(ms)

  it('a service keeps its objects over a rotation: new accepted, old rejected by the server, other keys and objects as they were (K-25)', async () => {
    const user = await minio.user('keeper')
    const [old, other] = [await minio.accessKey(user, 'atlas-media'), await minio.accessKey(user, 'other')]
    const clientOf = (key: AccessKey) => new S3Client({ endpoint: minio.url, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey.reveal() } })
    const [before, beside] = [clientOf(old), clientOf(other)]
    const kept = { Bucket: minio.bucket, Key: 'kept' }
    await before.send(new PutObjectCommand({ ...kept, Body: 'bytes' }))
    const issuer = open(minio.url, 'keeper', minio.root)
    const minted = await issuer.mint({ credential: issuer.propose(credentialOf(old)), tag: 'a' }, call())
    if (minted.is !== 'done') throw new Error(minted.is)
    const { fields, id } = minted.value.credential
    const after = clientOf({ accessKeyId: id, secretAccessKey: fields['secretAccessKey'] ?? new Secret('') })
    const [endpoint = ''] = issuer.endpoints()
    for (const state of ['off', 'gone'] as const) {
      expect((await issuer.set(old.accessKeyId, state, call())).is).toBe('done')
      expect(await issuer.probe(credentialOf(old), endpoint, call())).toMatchObject({ value: { verdict: 'rejected', code: 'put 403 InvalidAccessKeyId' } })
      await expect(before.send(new GetObjectCommand(kept))).rejects.toMatchObject({ name: 'InvalidAccessKeyId' })
      for (const client of [after, beside]) expect(await (await client.send(new GetObjectCommand(kept))).Body?.transformToString()).toBe('bytes')
    }
    for (const client of [before, beside, after]) client.destroy()
  })

  it('a right that is missing is named, and nothing is changed', async () => {
    const user = await minio.user('ruled')
    const old = await minio.accessKey(user, 'atlas-media')
    const allowed = (...Action: string[]) => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action }] })
    const [blind, weak] = [await minio.user('blind', allowed('admin:ServerInfo')), await minio.user('weak', allowed('admin:ListServiceAccounts', 'admin:CreateServiceAccount'))]
    expect(await open(minio.url, 'ruled', blind).preflight(credentialOf(old), 'next', call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('admin:ListServiceAccounts') as string })
    const issuer = open(minio.url, 'ruled', weak)
    expect((await issuer.mint({ credential: issuer.propose(credentialOf(old)), tag: 'a' }, call())).is).toBe('done')
    expect(await issuer.set(old.accessKeyId, 'off', call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('admin:UpdateServiceAccount') as string })
    expect(await issuer.probe(credentialOf(old), issuer.endpoints()[0] ?? '', call())).toMatchObject({ value: { verdict: 'accepted' } })
  })

  it('a user without rights to the bucket is inconclusive, never rejected (I12)', async () => {
    const user = await minio.user('stranger', { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: ['s3:*'], Resource: ['arn:aws:s3:::elsewhere/*'] }] })
    const key = await minio.accessKey(user, 'atlas-media')
    const issuer = open(minio.url, 'stranger', minio.root)
    expect(await issuer.probe(credentialOf(key), issuer.endpoints()[0] ?? '', call())).toMatchObject({ value: { verdict: 'inconclusive', code: 'put 403 AccessDenied' } })
  })

  it('an outage past the deadline is unknown, and the mint is repeated after it without a second key', async () => {
    const user = await minio.user('patient')
    const old = await minio.accessKey(user, 'atlas-media')
    const issuer = open(minio.url, 'patient', minio.root)
    const intent = { credential: issuer.propose(credentialOf(old)), tag: 'a' }
    minio.pause()
    try {
      expect(await issuer.mint(intent, call(1_000))).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    } finally {
      minio.resume()
    }
    expect((await issuer.mint(intent, call())).is).toBe('done')
    const seen = await issuer.observe(call())
    expect(seen.is === 'done' && seen.value.known.map(({ id }) => id).sort()).toEqual([old.accessKeyId, intent.credential.id].sort())
  })
})
