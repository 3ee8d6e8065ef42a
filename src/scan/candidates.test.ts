import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { groupSightings, kindOf } from './candidates.ts'
import { scanEnvFile } from './env-files.ts'
import type { Holder, Sighting } from './findings.ts'
import { createTracer } from './trace.ts'

const trace = createTracer(randomBytes(32))
const random = (): string => randomBytes(16).toString('hex')
const envFile = (file: string, text: string): readonly Sighting[] => scanEnvFile(file, text, trace).sightings
const inObject = (object: string, key: string, value?: string): Sighting => {
  const holder: Holder = { is: 'kubernetes', object }
  return { key, seen: { file: 'k8s.yaml', line: 1 }, holder, ...(value === undefined ? {} : { trace: trace(key, value) }) }
}
const groups = (...sightings: readonly (readonly Sighting[])[]): string[] =>
  groupSightings(sightings.flat()).map(({ held, kind, mixed }) => `${kind.is}${mixed ? ' mixed' : ''}: ${held.map(({ key, seen }) => `${seen.file} ${key}`).join(', ')}`)

describe('one secret', () => {
  it('is one value in several places, under whatever names', () => {
    const value = random()
    expect(groups(envFile('a/.env', `JWT_SECRET=${value}`), envFile('b/.env', `AUTH_JWT_SECRET=${value}\nCSRF_SECRET=${random()}`))).toEqual([
      'self-made: a/.env JWT_SECRET, b/.env AUTH_JWT_SECRET',
      'self-made: b/.env CSRF_SECRET',
    ])
  })

  it('is a login and its password, in URLs of any driver and by itself', () => {
    const password = random()
    expect(groups(envFile('.env', `DATABASE_URL=postgres://shop:${password}@db/shop\nPOSTGRES_PASSWORD=${password}`), envFile('w/.env', `DB=postgresql+asyncpg://shop:${password}@pooler/shop`))).toEqual([
      'login: .env DATABASE_URL, .env POSTGRES_PASSWORD, w/.env DB',
    ])
  })

  it('is one account with different passwords: the places disagree', () => {
    expect(groups(envFile('a/.env', `DATABASE_URL=postgres://shop:${random()}@db/shop`), envFile('b/.env', `DATABASE_URL=postgres://shop:${random()}@db/shop`))).toHaveLength(1)
  })

  it('is one key of one object, sealed and open', () => {
    expect(groups([inObject('Secret/api', 'token', random()), inObject('SealedSecret/api', 'token'), inObject('SealedSecret/other', 'token')])).toHaveLength(2)
    expect(groups([inObject('Secret/api', 'token', random()), inObject('Deployment/api', 'token', random())])).toHaveLength(2)
  })

  it('joins two that were apart when a third has both', () => {
    const [one, other] = [random(), random()]
    const sightings = [...envFile('a/.env', `DATABASE_URL=postgres://shop:${one}@db/shop`), ...envFile('b/.env', `DATABASE_URL=postgres://shop:${other}@pooler/shop`)]
    expect(groups(sightings)).toHaveLength(2)
    expect(groups(sightings, envFile('c/.env', `A_PASSWORD=${one}`), envFile('d/.env', `X_URL=postgres://shop:${other}@db/shop`))).toHaveLength(1)
  })
})

describe('several secrets', () => {
  it('are the same name with different values', () => {
    expect(groups(envFile('a/.env', `JWT_SECRET=${random()}`), envFile('b/.env', `JWT_SECRET=${random()}`))).toHaveLength(2)
  })

  it('are two users with one password: that is carelessness, and no sign of one secret', () => {
    const password = random()
    expect(groups(envFile('.env', `A_URL=postgres://shop:${password}@db/shop\nB_URL=postgres://reader:${password}@db/shop\nDB_PASSWORD=${password}`))).toHaveLength(3)
  })

  it('are plain words that two places have by chance', () => {
    expect(groups(envFile('a/.env', 'API_TOKEN=letmein'), envFile('b/.env', 'ADMIN_TOKEN=letmein'))).toHaveLength(2)
    expect(groups(envFile('a/.env', 'A_PASSWORD=postgres'), envFile('b/.env', 'B_PASSWORD=postgres'))).toHaveLength(2)
    expect(groups(envFile('a/.env', 'DB_PASSWORD=postgres'), envFile('b/.env', 'DB_PASSWORD=postgres'))).toHaveLength(1)
  })

  it('that share one value across purposes are told as mixed', () => {
    const value = random()
    expect(groups(envFile('.env', 'DATABASE_URL=postgres://shop:shop@db/shop\nREDIS_PASSWORD=shop'))).toEqual(['login mixed: .env DATABASE_URL, .env REDIS_PASSWORD'])
    expect(groups(envFile('.env', `JWT_SECRET=${value}\nSTRIPE_SECRET_KEY=${value}`))).toEqual(['provider mixed: .env JWT_SECRET, .env STRIPE_SECRET_KEY'])
  })
})

describe('no secret', () => {
  it('is a key without a value, and one that is made from others', () => {
    expect(groups(envFile('.env', 'JWT_SECRET=\nAPI_KEY=<your key>\nDATABASE_URL=postgres://${U}:${P}@db/shop\nPORT=80'))).toEqual([])
  })

  it('is a plain key in a Secret of Kubernetes; every other one is', () => {
    expect(['username', 'host', 'db-name', 'ca.crt'].map((key) => kindOf(inObject('Secret/x', key)).is)).toEqual(['no-secret', 'no-secret', 'no-secret', 'no-secret'])
    expect(['password', 'config.json', 'tls.key'].map((key) => kindOf(inObject('SealedSecret/x', key)).is)).toEqual(['login', 'unknown', 'unknown'])
    expect(kindOf(inObject('Deployment/x', 'config.json', 'x')).is).toBe('no-secret')
  })
})
