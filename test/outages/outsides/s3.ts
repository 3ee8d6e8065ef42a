import { startFakeMinio } from '../../../src/connectors/s3/fake.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/index.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

async function start(): Promise<Outside> {
  const root = { accessKeyId: generate(ALNUM, 16), secretAccessKey: new Secret(generate(ALNUM, 40)) }
  const fake = await startFakeMinio(root)
  const [id, secret] = [generate(ALNUM, 20), generate(ALNUM, 40)]
  fake.keys.set('atlas', { secret: generate(ALNUM, 40), name: '', on: true })
  fake.keys.set(id, { secret, parent: 'atlas', name: 'atlas-media', on: true })
  const line = await openLine(Number(new URL(fake.url).port))
  return {
    issuer: { endpoint: `http://127.0.0.1:${line.port}`, bucket: 'media', prefix: 'checks/', adminKey: '${env:ID}', adminSecret: '${env:SECRET}', user: 'atlas', name: 'atlas-media' },
    env: { ID: root.accessKeyId, SECRET: root.secretAccessKey.reveal() },
    current: { id, fields: { accessKeyId: new Secret(id), secretAccessKey: new Secret(secret) } }, lines: [line], close: () => fake.close(), blind: true,
  }
}

export const s3: readonly Row[] = [{ connector: 's3', strategy: 'overlap', start }]
