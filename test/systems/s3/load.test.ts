import { afterAll, beforeAll, expect, it } from 'vitest'
import { prove } from '../../../src/connectors/s3/proof.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { proves } from '../claims.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'
import { type Minio, startMinio } from './minio.ts'

let minio: Minio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.close())

proves(() => ({ connector: 's3', as: 'load', strategy: 'overlap', on: minio.version }))

it('no operation of a service with two instances fails while its access key is rotated (G-01, I-40)', async () => {
  const old = await minio.accessKey(await minio.user('live'), 'live')
  const { ran, report, env } = await rotateUnderLoad({
    issuer: { use: 's3', endpoint: minio.url, bucket: minio.bucket, prefix: 'checks/', adminKey: '${env:MINIO_KEY}', adminSecret: '${env:MINIO_SECRET}', user: 'live', name: 'live' },
    bind: { S3_ACCESS_KEY_ID: '{accessKeyId}', S3_SECRET_ACCESS_KEY: '{secretAccessKey}' },
    client: new URL('client.ts', import.meta.url),
    env: { S3_ENDPOINT: minio.url, S3_BUCKET: minio.bucket, S3_ACCESS_KEY_ID: old.accessKeyId, S3_SECRET_ACCESS_KEY: old.secretAccessKey.reveal(), LOG_LEVEL: 'info' },
    admin: { MINIO_KEY: minio.root.accessKeyId, MINIO_SECRET: minio.root.secretAccessKey.reveal() },
    // MinIO does not tell when an access key was last used.
    secret: { quiet: '0s' },
    field: 'secretAccessKey',
    rate: 15,
  })
  expect(ran, ran.said).toMatchObject({ code: 0 })
  expect(report).toMatchObject({ failed: 0, reasons: {} })
  expect(report.requests).toBeGreaterThan(100)
  expect(env['LOG_LEVEL']).toBe('info')
  expect(env['S3_ACCESS_KEY_ID'] === old.accessKeyId).toBe(false)
  const place = { bucket: minio.bucket, prefix: 'checks/', proof: ['list' as const], region: 'us-east-1' }
  expect(await prove(minio.url, place, old, callWithin(5_000))).toMatchObject({ value: { verdict: 'rejected', code: 'list 403 InvalidAccessKeyId' } })
})
