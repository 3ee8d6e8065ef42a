import { randomUUID } from 'node:crypto'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Connect } from '../rig/client.ts'

/** A service that keeps objects, with the usual SDK and no retries. */
const connect: Connect = async (env, name) => {
  const client = new S3Client({
    endpoint: env['S3_ENDPOINT'] ?? '', region: 'us-east-1', forcePathStyle: true, maxAttempts: 1,
    credentials: { accessKeyId: env['S3_ACCESS_KEY_ID'] ?? '', secretAccessKey: env['S3_SECRET_ACCESS_KEY'] ?? '' },
  })
  const Bucket = env['S3_BUCKET'] ?? ''
  const work = async (): Promise<void> => {
    const Key = `${name}/${randomUUID()}`
    await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
    if (await Body?.transformToString() !== Key) throw new Error('another object')
    await client.send(new DeleteObjectCommand({ Bucket, Key }))
  }
  await work()
  return { value: env['S3_SECRET_ACCESS_KEY'] ?? '', work, close: async () => client.destroy() }
}

export default connect
