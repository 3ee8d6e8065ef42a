import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { registry } from '../src/connectors.gen.ts'
import { loadManifest } from '../src/yaml/load.ts'
import { type Files, makeRepository } from './fixture/repository.ts'
import { filesBelow, leaksIn, type Produced } from './worlds/leaks.ts'
import { type Ran, startKeyturn } from './worlds/keyturn.ts'

/** A repository with values that nobody else has, and the means to find them again. */
interface Seeded {
  readonly root: string
  keyturn(...args: readonly string[]): Promise<Ran>
  /** Where values are that were not put there: in what was printed, and in files that were not there before. */
  leaks(): readonly string[]
}

function seed(make: (value: (form?: 'hex' | 'base64' | 'alnum') => string) => Files): Seeded {
  const values: string[] = []
  const files = make((form = 'hex') => {
    const value = form === 'alnum' ? `aB1${randomBytes(14).toString('hex')}` : randomBytes(32).toString(form)
    values.push(value)
    return value
  })
  const root = makeRepository(files, { git: true })
  const own = new Set(Object.keys(files).map((file) => join(root, file)))
  const said: Produced[] = []
  return {
    root,
    keyturn: async (...args) => {
      const ran = await startKeyturn(args, { cwd: root, env: { KEYTURN_DEBUG: '1' } }).end
      said.push({ place: `keyturn ${args.join(' ')}`, text: ran.said })
      return ran
    },
    leaks: () => leaksIn([...said, ...filesBelow(root, own)].filter(({ place }) => !place.startsWith('file .git/')), values),
  }
}

/** Services of one compose file that share env files, as small companies have them. */
const monolith = (): Seeded =>
  seed((value) => {
    const password = value('alnum')
    return {
      '.gitignore': '.env\nworker/.env\n*.keyturn-tmp\nnode_modules/\n',
      '.env': [
        '# the shop', 'PORT=3000', 'POSTGRES_USER=shop', `POSTGRES_PASSWORD=${password}`, `DATABASE_URL="postgres://shop:${password}@db:5432/shop?sslmode=disable"`,
        `SESSION_SECRET=${value()}`, `JWT_SECRET='${value('base64')}' # signs logins`, `STRIPE_SECRET_KEY=sk_live_${value('alnum')}`, `REDIS_URL=redis://:${value()}@cache:6379/6`, 'OPENAI_API_KEY=', '',
      ].join('\n'),
      'worker/.env': `DATABASE_URL=postgres://shop:${password}@db:5432/shop\nINTERNAL_API_TOKEN=${value('alnum')}\n`,
      '.env.example': `DATABASE_URL=postgres://user:password@localhost/shop\nSENTRY_AUTH_TOKEN=${value()}\n`,
      'node_modules/x/.env': `HIDDEN_TOKEN=${value()}\n`,
      'docker-compose.yml': [
        'name: corner-shop', 'services:',
        '  db: { image: "postgres:18", environment: { POSTGRES_USER: "${POSTGRES_USER}", POSTGRES_PASSWORD: "${POSTGRES_PASSWORD}" } }',
        '  cache: { image: "redis:8", command: [redis-server, --requirepass, "${REDIS_PASSWORD:-none}"] }',
        '  api: { build: api, env_file: .env }',
        '  worker:', '    build: worker', '    env_file: [worker/.env]', '    environment:', `      ADMIN_TOKEN: ${value()}`, '',
      ].join('\n'),
      'api/index.js': 'const { SESSION_SECRET } = process.env\nconnect(process.env.DATABASE_URL, process.env["SENTRY_AUTH_TOKEN"])\n',
    }
  })

/** Services in several languages on Kubernetes, with env files only for work on one's own machine. */
const monorepo = (): Seeded =>
  seed((value) => ({
    '.gitignore': '.env\nsecrets.env\n',
    'services/api/.env': `SESSION_SECRET=${value()}\nDATABASE_URL=postgresql+asyncpg://api:${value('alnum')}@localhost/api\n`,
    'services/api/main.py': 'import os\nurl = os.environ["DATABASE_URL"]\nkey = os.getenv("SESSION_SECRET")\nmail = os.environ.get("SMTP_PASSWORD")\n',
    'services/web/server.ts': "const jwt = process.env.JWT_SECRET\nconst { GITHUB_TOKEN } = process.env\n",
    'deploy/base/api.yaml': [
      'apiVersion: apps/v1', 'kind: Deployment', 'metadata: { name: api }', 'spec:', '  template:', '    spec:', '      containers:', '        - name: api', '          envFrom: [{ secretRef: { name: api } }]', '          env:',
      '            - { name: SMTP_PASSWORD, valueFrom: { secretKeyRef: { name: mail, key: password } } }', `            - { name: GITHUB_TOKEN, value: ghp_${value('alnum')}xxxx }`,
      '---', 'apiVersion: v1', 'kind: Secret', 'metadata: { name: api }', 'data:', `  JWT_SECRET: ${Buffer.from(value()).toString('base64')}`,
      '---', 'apiVersion: bitnami.com/v1alpha1', 'kind: SealedSecret', 'metadata: { name: mail }', `spec: { encryptedData: { password: ${value('base64')}, username: ${value('base64')} } }`, '',
    ].join('\n'),
    'deploy/production/kustomization.yaml': `resources: [../base]\nsecretGenerator: [{ name: queue, envs: [secrets.env], literals: [API_KEY=${value()}] }]\n`,
    'deploy/production/secrets.env': `RABBITMQ_PASSWORD=${value()}\n`,
    'deploy/chart/templates/secret.yaml': `apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ include "x" . }}\nstringData:\n  {{- with .Values.x }}\n  token: ${value()}\n  {{- end }}\n`,
    'deploy/broken/compose.yaml': `services: {\n  x: "${value()}\n`,
  }))

describe('init on a compose monolith', () => {
  it('writes a manifest that loads and can be planned, and holds no value in any encoding (S0-02)', async () => {
    const shop = monolith()
    const ran = await shop.keyturn('init')
    expect(ran, ran.said).toMatchObject({ code: 0 })
    const manifest = await loadManifest(join(shop.root, 'keyturn.yaml'), { registry })
    expect(manifest).toMatchObject({ system: 'corner-shop', environment: 'production' })
    expect(Object.values(manifest.secrets).map(({ name, issuer, stores, waves }) => ({
      name, use: issuer.use, stores: stores.map(({ config, bind }) => [config['file'], Object.keys(bind)]), services: waves.flat().map(({ config }) => config['services']),
    }))).toEqual([
      { name: 'database', use: 'postgres', stores: [['.env', ['POSTGRES_PASSWORD', 'DATABASE_URL', 'POSTGRES_USER']], ['worker/.env', ['DATABASE_URL']]], services: [['api', 'worker']] },
      { name: 'session-secret', use: 'random', stores: [['.env', ['SESSION_SECRET']]], services: [['api']] },
      { name: 'jwt-secret', use: 'random', stores: [['.env', ['JWT_SECRET']]], services: [['api']] },
      { name: 'internal-api-token', use: 'random', stores: [['worker/.env', ['INTERNAL_API_TOKEN']]], services: [['worker']] },
    ])
    const plan = await shop.keyturn('plan', '--offline')
    expect(plan, plan.said).toMatchObject({ code: 0 })
    expect(plan.out).toMatch(/Plan for database .*: alternate/)
    await shop.keyturn('inventory')
    expect(shop.leaks()).toEqual([])
  })

  it('makes services anew with a command that reads the env file again, which `restart` does not (C-06, C-07)', async () => {
    const shop = monolith()
    await shop.keyturn('init')
    const { secrets } = await loadManifest(join(shop.root, 'keyturn.yaml'), { registry })
    expect(secrets['database']?.waves.flat()[0]?.config['run']).toEqual(['docker', 'compose', 'up', '-d', '--force-recreate', '--no-deps', '{services}'])
  })

  it('says what it could not decide, what to mend and what has no value, each with its place', async () => {
    const { out } = await monolith().keyturn('init')
    for (const says of [
      /stripe-secret-key {2}STRIPE_SECRET_KEY \(\.env:8\)\n +Stripe makes it/,
      /redis {2}REDIS_URL \(\.env:9\)\n +the login of Redis/,
      /admin-token {2}ADMIN_TOKEN \(docker-compose\.yml:10\)\n.*\n +its value stands in the service worker/,
      /\.env\.example:2 {2}SENTRY_AUTH_TOKEN has what looks like a value, in an example/,
      /docker-compose\.yml:10 {2}the value of ADMIN_TOKEN stands here in the clear/,
      /\.env:10 {2}OPENAI_API_KEY: empty/,
      /api\/index\.js:2 {2}SENTRY_AUTH_TOKEN: code asks for it/,
      /Set PG_ADMIN_URL to the URL of an admin/,
    ]) expect(out).toMatch(says)
    expect(out).not.toMatch(/HIDDEN_TOKEN|PORT/)
  })
})

describe('init on a monorepo with Kubernetes', () => {
  it('decides what lies in env files, lists the rest with who reads it, and does not choke on templates', async () => {
    const repository = monorepo()
    const ran = await repository.keyturn('init', '--json')
    expect(ran, ran.said).toMatchObject({ code: 0 })
    const found = ran.json() as { secrets: { name: string }[]; undecided: { name: string; readers: { who: string }[]; open: string[] }[]; problems: { place: { file: string } }[]; unread: { file: string; line: number }[] }
    expect(found.secrets.map(({ name }) => name)).toEqual(['session-secret', 'database'])
    expect(found.undecided.map(({ name, readers }) => `${name}: ${readers.map(({ who }) => who).join(', ')}`)).toEqual([
      'api-github-token: code', 'api-jwt-secret: Deployment/api, code', 'mail-password: Deployment/api, code', 'queue-api-key: ', 'rabbitmq: ',
    ])
    expect(found.undecided.every(({ open }) => open.length > 0)).toBe(true)
    expect(found.unread.map(({ file, line }) => `${file}:${line}`).sort()).toEqual(['deploy/broken/compose.yaml:3', 'deploy/chart/templates/secret.yaml:6'])
    expect(found.problems.map(({ place }) => place.file)).toEqual(['deploy/base/api.yaml', 'deploy/base/api.yaml', 'deploy/production/kustomization.yaml'])
    expect(Object.keys((await loadManifest(join(repository.root, 'keyturn.yaml'), { registry })).secrets)).toEqual(['session-secret', 'database'])
    expect(await repository.keyturn('plan', '--offline')).toMatchObject({ code: 0 })
    expect(repository.leaks()).toEqual([])
  })
})

describe('init', () => {
  it('never overwrites a manifest unless told to, and looks without writing', async () => {
    const shop = monolith()
    writeFileSync(join(shop.root, 'keyturn.yml'), 'mine\n')
    const refused = await shop.keyturn('init')
    expect(refused).toMatchObject({ code: 3 })
    expect(refused.err).toMatch(/MANIFEST_EXISTS there is a manifest already: .*keyturn\.yml\n.*--out FILE.*--dry-run.*--force/)
    const dry = await shop.keyturn('init', '--dry-run')
    expect(dry).toMatchObject({ code: 0 })
    expect(existsSync(join(shop.root, 'keyturn.yaml'))).toBe(false)
    expect(await shop.keyturn('init', '--out', 'other.yaml')).toMatchObject({ code: 0 })
    expect(readFileSync(join(shop.root, 'other.yaml'), 'utf8')).toBe(dry.out)
    expect(await shop.keyturn('init', '--out', 'other.yaml')).toMatchObject({ code: 3 })
    writeFileSync(join(shop.root, 'other.yaml'), '')
    expect(await shop.keyturn('init', '--out', 'other.yaml', '--force')).toMatchObject({ code: 0 })
    expect(readFileSync(join(shop.root, 'other.yaml'), 'utf8')).toBe(dry.out)
    expect(readFileSync(join(shop.root, 'keyturn.yml'), 'utf8')).toBe('mine\n')
    expect(shop.leaks()).toEqual([])
  })

  it('leaves an env file that git tracks as a comment, so that the manifest is valid all the same (S0-04)', async () => {
    const repository = seed((value) => ({ '.env': `SESSION_SECRET=${value()}\n`, '.gitignore': 'a.env\n', 'a.env': `CSRF_SECRET=${value()}\n` }))
    const ran = await repository.keyturn('init')
    expect(ran.out).toMatch(/\.env:1 {2}git tracks this file, and it holds secrets; write `git rm --cached \.env`/)
    expect(ran.out).toMatch(/session-secret .*\n +git tracks \.env: take it out of git first/)
    expect(Object.keys((await loadManifest(join(repository.root, 'keyturn.yaml'), { registry })).secrets)).toEqual(['csrf-secret'])
    expect(readFileSync(join(repository.root, 'keyturn.yaml'), 'utf8')).toMatch(/^ {2}# session-secret:$/m)
  })

  it('with nothing certain writes nothing, says so, and exits with 6', async () => {
    const repository = seed((value) => ({ '.gitignore': '.env', '.env': `ADMIN_TOKEN=${value()}\n` }))
    const ran = await repository.keyturn('init')
    expect(ran).toMatchObject({ code: 6 })
    expect(ran.out).toMatch(/Nothing is certain enough to be written/)
    expect(existsSync(join(repository.root, 'keyturn.yaml'))).toBe(false)
    expect((await repository.keyturn('init', '--dry-run')).out).toMatch(/# admin-token:/)
    expect(repository.leaks()).toEqual([])
  })

  it('takes another folder and environment, and refuses what is none', async () => {
    const repository = seed((value) => ({ 'shop/.env.staging': `SESSION_SECRET=${value()}\n`, 'shop/.env': `SESSION_SECRET=${value()}\n`, '.gitignore': '.env*\n' }))
    expect(await repository.keyturn('init', 'shop', '--environment', 'staging')).toMatchObject({ code: 0 })
    expect(await loadManifest(join(repository.root, 'shop/keyturn.yaml'), { registry })).toMatchObject({ system: 'shop', environment: 'staging' })
    expect((await repository.keyturn('init', 'nowhere')).err).toMatch(/USAGE .*nowhere is no folder/)
    expect((await repository.keyturn('init', 'shop', '--environment', 'prod')).err).toMatch(/Write development, staging, production/)
  })

  it('the scan of these tests finds a value that was let out', async () => {
    const shop = monolith()
    const password = /^POSTGRES_PASSWORD=(.*)$/m.exec(readFileSync(join(shop.root, '.env'), 'utf8'))?.[1] ?? ''
    writeFileSync(join(shop.root, 'notes.md'), Buffer.from(`x${password}`).toString('base64'))
    await shop.keyturn('init', password)
    expect(shop.leaks()).toEqual([`keyturn init ${password}`, 'file notes.md'])
  })
})
