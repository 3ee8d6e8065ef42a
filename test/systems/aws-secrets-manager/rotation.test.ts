import { CreateSecretCommand, GetSecretValueCommand, PutSecretValueCommand, RotateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { type Moto, startMoto } from '../../servers/moto.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'
import { startFunction } from './function.ts'

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

it('what AWS rotated reaches the consumers, by the credential chain and the command line (S3-29, S3-31, D-21)', async () => {
  const [Name, password] = ['aegis/db-password', generate(ALNUM, 32)]
  const SecretString = JSON.stringify({ engine: 'postgres', host: 'db', username: 'aegis', password })
  await aws.send(new CreateSecretCommand({ Name, SecretString }))
  await aws.send(new RotateSecretCommand({ SecretId: Name, RotationRules: { AutomaticallyAfterDays: 90 } }))
  await aws.send(new PutSecretValueCommand({ SecretId: Name, SecretString, VersionStages: ['AWSCURRENT'] }))
  const front = await startFunction(moto.url, aws, Name, false)
  try {
    const { ran, report, env } = await rotateUnderLoad({
      issuer: { use: 'aws-secrets-manager', region: 'eu-central-1', endpoint: front.url, secret: Name },
      bind: { DB_USER: '{username}', DB_PASSWORD: '{password}' },
      client: new URL('client.ts', import.meta.url),
      env: { DB_USER: 'aegis', DB_PASSWORD: password, LOG_LEVEL: 'info' },
      admin: { AWS_ACCESS_KEY_ID: 'from-the-chain', AWS_SECRET_ACCESS_KEY: generate(ALNUM, 20) },
      secret: { quiet: '0s' },
      rate: 15,
    })
    expect(ran, ran.said).toMatchObject({ code: 0 })
    expect(report).toMatchObject({ failed: 0 })
    const now = JSON.parse((await aws.send(new GetSecretValueCommand({ SecretId: Name, VersionStage: 'AWSCURRENT' }))).SecretString ?? '{}') as { readonly password?: string }
    expect(env['DB_PASSWORD'] === now.password && now.password !== password).toBe(true)
    expect(env['LOG_LEVEL']).toBe('info')
  } finally {
    await front.close()
  }
})
