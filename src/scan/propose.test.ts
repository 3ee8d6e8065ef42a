import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Files, makeRepository } from '../../test/fixture/repository.ts'
import type { Environment } from '../manifest/model.ts'
import { type Draft, propose } from './propose.ts'
import { scanRepository } from './repository.ts'

const random = (): string => randomBytes(32).toString('hex')

async function draftOf(files: Files, options: { readonly git?: boolean; readonly environment?: Environment } = {}): Promise<Draft> {
  return propose(await scanRepository(makeRepository(files, options)), 'shop', options.environment)
}

async function only(env: string, more: Files = {}): Promise<Draft['decided'][number]> {
  const { decided, undecided } = await draftOf({ '.env': env, ...more })
  const [proposal] = [...decided, ...undecided]
  if (proposal === undefined || decided.length + undecided.length !== 1) throw new Error(`${decided.length + undecided.length} proposals`)
  return proposal
}

describe('a login of PostgreSQL', () => {
  it('by a URL is a pair of roles, and the rest of the URL stays (S0-09)', async () => {
    const { issuer, stores, why } = await only(`DATABASE_URL=postgresql+psycopg://shop:${random()}@db/shop?x=1`)
    expect(issuer).toEqual({ use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: 'shop' })
    expect(stores).toEqual([{ file: '.env', bind: { DATABASE_URL: { url: { user: 'user', password: 'password' } } } }])
    expect(why).toEqual([])
  })

  it('of which one is decided has the plain admin, whatever comes first', async () => {
    const secret = `apiVersion: v1\nkind: Secret\nmetadata: { name: api }\nstringData: { URL: "postgres://api:${random()}@cluster/api" }\n`
    const draft = await draftOf({ 'a.yaml': secret, 'b/.env': `DATABASE_URL=postgres://api:${random()}@localhost/api` })
    expect([...draft.decided, ...draft.undecided].map(({ issuer }) => issuer?.['admin'])).toEqual(['${env:PG_ADMIN_URL}', '${env:PG_ADMIN_URL_API_URL}'])
  })

  it('by user and password beside each other takes both, as the user changes, too', async () => {
    const { issuer, stores } = await only(`POSTGRES_USER=shop\nPOSTGRES_PASSWORD=${random()}`)
    expect(issuer).toEqual({ use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: 'shop' })
    expect(stores).toEqual([{ file: '.env', bind: { POSTGRES_PASSWORD: '{password}', POSTGRES_USER: '{user}' } }])
  })

  it('that a compose file puts together is known by it; a role that stands fast there means one role and a gap', async () => {
    const compose = (user: string): Files => ({ 'compose.yaml': `services:\n  api:\n    image: api\n    environment:\n      URL: postgres://${user}:\${DB_PASS}@db/shop\n` })
    const pair = await only(`DB_NAME_OF_USER=shop\nDB_PASS=${random()}\nDB_ROLE_USER=shop`, compose('${DB_ROLE_USER}'))
    expect(pair.issuer).toEqual({ use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: 'shop' })
    expect(pair.stores).toEqual([{ file: '.env', bind: { DB_PASS: '{password}', DB_ROLE_USER: '{user}' } }])
    const fixed = await only(`DB_PASS=${random()}`, compose('shop'))
    expect(fixed.issuer).toEqual({ use: 'postgres', admin: '${env:PG_ADMIN_URL}', strategy: 'in-place', role: 'shop' })
    expect(fixed.notes[0]).toMatch(/name of the role stands fast in compose.yaml:5, so there is one role and a gap/)
    expect(fixed.users.recreations.map(({ services }) => services)).toEqual([['api']])
  })

  it.each([
    ['the role is not there', `POSTGRES_PASSWORD=${random()}`, /the role .* does not stand beside it/],
    ['the name of the role looks like a value', `DATABASE_URL=postgres://u${random()}:${random()}@db/shop`, /the role .* does not stand beside it/],
    ['the places disagree', `A_URL=postgres://shop:${random()}@db/shop\nB_URL=postgres://shop:${random()}@db/shop`, /the places disagree on its password/],
    ['it is an admin\'s', `PG_ADMIN_URL=postgres://root:${random()}@db/shop`, /with which keyturn itself may work/],
  ])('is not decided when %s', async (_, env, why) => {
    expect((await only(env)).why).toEqual([expect.stringMatching(why)])
  })

  it('at several addresses, and at several servers: each server has its admin', async () => {
    const password = random()
    const pooled = await only(`DATABASE_URL=postgres://shop:${password}@db/shop\nPOOL_URL=postgres://shop:${password}@pool:6432/shop`)
    expect(pooled.notes[0]).toMatch(/several addresses .*: name each under `endpoints`/)
    const { decided } = await draftOf({ '.env': `A_URL=postgres://a:${random()}@one/a\nB_URL=postgres://b:${random()}@one/b\nC_URL=postgres://c:${random()}@two/c` })
    expect(decided.map(({ issuer }) => issuer?.['admin'])).toEqual(['${env:PG_ADMIN_URL}', '${env:PG_ADMIN_URL}', '${env:PG_ADMIN_URL_C}'])
  })
})

describe('a value that the system makes for itself', () => {
  it.each([
    [random(), { format: 'hex', bytes: 32 }],
    [`+/aB1${'x'.repeat(38)}=`, { format: 'base64', length: 44 }],
    [`-_aB1${'x'.repeat(38)}`, { format: 'base64url', length: 43 }],
    [`aB1${'x'.repeat(37)}`, { format: 'alnum', length: 40 }],
    [randomUUID(), { format: 'uuid' }],
    [`aB1x${'x'.repeat(5_000)}`, { format: 'hex', bytes: 32 }],
    ['a secret phrase', { format: 'hex', bytes: 32 }],
    ['aB1xaB1xaB1xaB1x', { format: 'hex', bytes: 32 }],
  ])('gets a new one of the same form, or a better one: %#', async (value, format) => {
    expect(await only(`SESSION_SECRET=${value}`)).toMatchObject({ issuer: { use: 'random', name: 'session-secret', ...format }, why: [], impact: expect.stringMatching(/signs in again/) })
  })

  it('lies in every place that has it, and each place\'s services take it anew', async () => {
    const value = random()
    const { decided } = await draftOf({
      'api/.env': `JWT_SECRET=${value}\n`,
      'web/.env': `AUTH_JWT_SECRET=${value}\n`,
      'docker-compose.yml': 'services:\n  api: { env_file: api/.env }\n  web: { env_file: web/.env }\n  other: { image: x }\n',
      'api/main.go': 'os.Getenv("JWT_SECRET")',
      'web/main.go': 'os.Getenv("JWT_SECRET")\nos.Getenv("AUTH_JWT_SECRET")',
    })
    expect(decided.map(({ stores }) => stores)).toEqual([[{ file: 'api/.env', bind: { JWT_SECRET: '{value}' } }, { file: 'web/.env', bind: { AUTH_JWT_SECRET: '{value}' } }]])
    expect(decided[0]?.users.recreations.map(({ services }) => services)).toEqual([['api', 'web']])
    expect(decided[0]?.readers.map(({ seen }) => `${seen.file}:${seen.line}`)).toEqual(['api/main.go:1', 'web/main.go:1', 'web/main.go:2'])
  })
})

describe('what is not certain is not decided', () => {
  it.each([
    ['STRIPE_SECRET_KEY', /Stripe makes it/],
    ['API_TOKEN', /who makes it and who checks it cannot be told/],
    ['ENCRYPTION_KEY', /stored data may be encrypted or hashed/],
    ['MACHINE', /its name does not say secret/],
    ['REDIS_PASSWORD', /the login of Redis/],
    ['DB_PASSWORD', /which server accepts it cannot be told/],
  ])('%s', async (key, why) => {
    const proposal = await only(`${key}=${random()}`)
    expect(proposal.why).toEqual([expect.stringMatching(why)])
    expect(proposal.issuer).toBeUndefined()
  })

  it.each([
    ['a private key', 'SESSION_KEY="-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"', /a private key/],
    ['one value with several purposes', `JWT_SECRET=${'aB1x'.repeat(8)}\nSTRIPE_SECRET_KEY=${'aB1x'.repeat(8)}`, /several purposes/],
  ])('%s', async (_, env, why) => {
    expect((await only(env)).why).toEqual([expect.stringMatching(why)])
  })

  it('a value that also lies where no store is known: it would have to change there, too', async () => {
    const value = random()
    const secret = `apiVersion: v1\nkind: Secret\nmetadata: { name: api }\nstringData: { JWT_SECRET: ${value} }\n`
    expect(await only(`JWT_SECRET=${value}`, { 'k8s.yaml': secret })).toMatchObject({
      issuer: { use: 'random' },
      stores: [{ file: '.env', bind: { JWT_SECRET: '{value}' } }, { bind: { JWT_SECRET: '{value}' } }],
      why: ['Secret/api holds it: give the store that writes it'],
    })
    const compose = `services:\n  api:\n    environment:\n      JWT_SECRET: ${value}\n`
    expect((await only(`JWT_SECRET=${value}`, { 'compose.yaml': compose })).why).toEqual(['its value stands in the service api in compose.yaml itself: move it to an env file first'])
    const kustomize = 'secretGenerator: [{ name: api, envs: [.env] }]\n'
    expect((await only(`JWT_SECRET=${value}`, { 'kustomization.yaml': kustomize })).why).toEqual([expect.stringMatching(/^kustomize makes Secret\/api of \.env/)])
  })

  it('an env file that git tracks or does not ignore: the manifest would be refused (S0-04)', async () => {
    const env = `SESSION_SECRET=${random()}\n`
    const tracked = await draftOf({ '.env': env }, { git: true })
    expect(tracked.undecided.map(({ why }) => why)).toEqual([['git tracks .env: take it out of git first']])
    const ignored = await draftOf({ '.env': env, '.gitignore': '.env' }, { git: true })
    expect(ignored.decided).toHaveLength(1)
  })

  it('but a fallback in a compose file does not hold the value that is used', async () => {
    const { why } = await only(`JWT_SECRET=${random()}`, { 'compose.yaml': `services:\n  api:\n    environment:\n      JWT_SECRET: \${JWT_SECRET:-${random()}}\n` })
    expect(why).toEqual([])
  })
})

describe('consumers', () => {
  it('are never the server that accepts the login: that is said (C-31)', async () => {
    const { users, notes } = await only(`POSTGRES_USER=shop\nPOSTGRES_PASSWORD=${random()}`, { 'compose.yaml': 'services:\n  db: { image: "postgres:18", env_file: .env }\n  api: { env_file: .env }\n' })
    expect(users.recreations.map(({ services }) => services)).toEqual([['api']])
    expect(notes).toEqual([expect.stringMatching(/^db \(compose\.yaml:2\) is PostgreSQL itself/)])
  })

  it('of a compose file that is combined by hand are only said', async () => {
    const { users, notes } = await only(`SESSION_SECRET=${random()}`, { 'compose.yaml': 'services: {}\n', 'compose.prod.yaml': 'services:\n  api: { env_file: .env }\n' })
    expect(users.recreations).toEqual([])
    expect(notes[1]).toMatch(/api \(compose\.prod\.yaml:2\) takes it, but how that compose file is combined/)
  })

  it('take a variable from the `.env` beside their compose file, and from no other', async () => {
    const compose = 'services:\n  api: { environment: ["S=${SESSION_SECRET}"] }\n'
    const files = { 'a/.env': `SESSION_SECRET=${random()}\n`, 'b/.env': `SESSION_SECRET=${random()}\n`, 'a/compose.yaml': compose }
    expect((await draftOf(files)).decided.map(({ name, users }) => [name, users.recreations.length])).toEqual([['a-session-secret', 1], ['b-session-secret', 0]])
  })
})

describe('the environment', () => {
  const env = (): string => `SESSION_SECRET=${random()}\n`

  it('is what the names of env files say; files of others are told (C-23)', async () => {
    const files = { '.env': env(), '.env.production': env(), '.env.staging': env(), '.env.example': env() }
    const draft = await draftOf(files)
    expect(draft.environment).toBe('production')
    expect(draft.decided.flatMap(({ stores }) => stores.map(({ file }) => file))).toEqual(['.env', '.env.production'])
    expect(draft.elsewhere).toEqual([{ file: '.env.staging', environment: 'staging', keys: 1 }])
    expect((await draftOf(files, { environment: 'staging' })).decided.flatMap(({ stores }) => stores.map(({ file }) => file))).toEqual(['.env', '.env.staging'])
  })

  it('is production when nothing says it, and that is said', async () => {
    expect(await draftOf({ '.env': env() })).toMatchObject({ environment: 'production', environmentWhy: expect.stringMatching(/No env file says/) })
    expect(await draftOf({ '.env.dev': env() })).toMatchObject({ environment: 'development', environmentWhy: expect.stringMatching(/As the name/) })
  })
})

it('names are of the key, of its place where two are the same, and never twice', async () => {
  const { decided } = await draftOf({
    'a/.env': `DATABASE_URL=postgres://a:${random()}@db/a\nSESSION_SECRET=${random()}`,
    'b/.env': `DATABASE_URL=postgres://b:${random()}@db/b`,
    'x/b/.env': `DATABASE_URL=postgres://c:${random()}@db/c`,
  })
  expect(decided.map(({ name }) => name)).toEqual(['a-database', 'session-secret', 'b-database', 'b-database-2'])
})
