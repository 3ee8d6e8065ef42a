import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startFakeElastiCache } from '../../../src/connectors/aws-elasticache/fake.ts'
import { startFakeIam } from '../../../src/connectors/aws-iam/fake.ts'
import { startFakeSecretsManager } from '../../../src/connectors/aws-secrets-manager/fake.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/index.ts'
import { certify } from '../../fixture/certificates.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

const ADMIN = { region: 'eu-central-1', adminKey: '${env:ID}', adminSecret: '${env:SECRET}' }

async function startIam(): Promise<Outside> {
  const fake = await startFakeIam()
  const [admin, id] = [fake.make('admin'), fake.make('atlas')]
  const secretOf = (key: string): string => fake.keys.get(key)?.secret ?? ''
  const line = await openLine(Number(new URL(fake.url).port))
  return {
    issuer: { ...ADMIN, endpoint: `http://127.0.0.1:${line.port}`, user: 'atlas' }, env: { ID: admin, SECRET: secretOf(admin) },
    current: { id, fields: { accessKeyId: new Secret(id), secretAccessKey: new Secret(secretOf(id)) } }, name: 'the IAM user atlas', lines: [line], close: () => fake.close(),
  }
}

async function startSecretsManager(users: 'single' | 'alternating'): Promise<Outside> {
  const fake = await startFakeSecretsManager()
  const password = generate(ALNUM, 32)
  fake.make('atlas/db', JSON.stringify({ engine: 'postgres', username: 'atlas', password }))
  const secret = fake.secrets.get('atlas/db')
  if (secret !== undefined) secret.alternating = users === 'alternating'
  const line = await openLine(Number(new URL(fake.url).port))
  const key = generate(ALNUM, 20)
  return {
    issuer: { ...ADMIN, endpoint: `http://127.0.0.1:${line.port}`, secret: 'atlas/db', users }, env: { ID: key, SECRET: key },
    current: { id: 'atlas/db/atlas', fields: { username: new Secret('atlas'), password: new Secret(password) } }, name: 'atlas/db in eu-central-1', lines: [line], close: () => fake.close(),
  }
}

async function startElastiCache(): Promise<Outside> {
  const token = new Secret(generate(ALNUM, 32))
  const authority = certify({ commonName: 'authority' })
  const fake = await startFakeElastiCache(certify({ commonName: 'cache', names: ['127.0.0.1'], by: authority }), token.reveal())
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-outages-'))
  writeFileSync(join(folder, 'ca.pem'), authority.cert)
  const [api, redis] = [await openLine(Number(new URL(fake.url).port)), await openLine(fake.port)]
  const key = generate(ALNUM, 20)
  return {
    issuer: {
      ...ADMIN, endpoint: `http://127.0.0.1:${api.port}`, group: 'atlas', inUse: '${env:STORED}', every: '5ms', ca: join(folder, 'ca.pem'),
      endpoints: [{ name: 'primary', host: '127.0.0.1', port: redis.port }],
    },
    env: { ID: key, SECRET: key }, current: { id: '', fields: { token } }, name: 'the replication group atlas', blind: true, lines: [api, redis],
    close: async () => {
      await fake.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const aws: readonly Row[] = [
  { connector: 'aws-elasticache', strategy: 'overlap', start: startElastiCache },
  { connector: 'aws-iam', strategy: 'overlap', start: startIam },
  ...(['single', 'alternating'] as const).map((users) => ({ connector: 'aws-secrets-manager', strategy: 'provider-managed', kind: `${users} user`, start: () => startSecretsManager(users) })),
]
