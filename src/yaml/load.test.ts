import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registry } from '../../test/fixture/registry.ts'
import type { GitState } from '../outside/file/index.ts'
import { loadManifest, parseManifest } from './load.ts'

const full = `version: 1
system: atlas
environment: staging
state: var/keyturn
defaults: { owner: platform, notify: [ops], every: 90d, grace: 48h, quiet: 10m }
preflight: [{ use: look, url: http://127.0.0.1/doctor, within: 5s }]
secrets:
  database:
    owner: data
    lifecycle: legacy
    issuer: { use: base, admin: "\${env:PG_ADMIN_URL}", role: atlas }
    every: quarterly
    on: [compromise, session]
    impact: none at all
    quiet: { for: 20s, every: 1s }
    undo: 2h
    stores:
      - use: envfile
        file: config/.env
        bind:
          DSN: "postgres://{user}:{password}@db:5432/atlas"
          REDIS: { url: { user, password } }
          CACHE: { url: password }
          QUEUE: { url: { password: password } }
    consumers:
      - wave:
          - { use: service, pid: a.pid, attest: { use: issuer, application: "atlas-{name}" } }
          - { use: service, pid: b.pid, attest: { use: look, challenge: http://127.0.0.1/attest } }
      - { use: service, pid: c.pid }
    checks: [{ use: look, url: http://127.0.0.1/readyz, as: new }]
  session:
    issuer: { use: dice }
    stores: [{ use: envfile, file: .env, bind: { KEY: "{value}" } }]
`

const place = (line: number, column: number) => ({ file: 'etc/keyturn.yaml', line, column })

describe('a valid manifest', async () => {
  const { secrets, preflight, ...top } = await parseManifest(full, 'etc/keyturn.yaml', { registry })
  const { database, session } = secrets

  it('says its system, its environment and its folders (X-15)', () => {
    const base = join(process.cwd(), 'etc')
    expect(top).toEqual({
      file: join(base, 'keyturn.yaml'),
      base,
      system: 'atlas',
      environment: 'staging',
      state: join(base, 'var/keyturn'),
      postflight: [],
    })
    expect(preflight).toEqual([
      { use: 'look', config: { url: 'http://127.0.0.1/doctor', status: 200 }, within: 5_000, place: place(6, 13) },
    ])
  })

  it('gives each secret its issuer, stores with bindings, waves of consumers and checks, each with its place (S0-01)', () => {
    expect(database).toMatchObject({
      name: 'database',
      place: place(8, 3),
      owner: 'data',
      lifecycle: 'legacy',
      every: 'quarterly',
      on: ['compromise', 'session'],
      impact: 'none at all',
    })
    expect(database?.strategy).toBe('alternate')
    expect(database?.issuer).toEqual({
      use: 'base',
      config: { admin: '${env:PG_ADMIN_URL}', role: 'atlas', strategy: 'alternate' },
      place: place(11, 13),
    })
    expect(database?.stores).toEqual([
      {
        use: 'envfile',
        config: { file: 'config/.env' },
        place: place(18, 9),
        bind: {
          DSN: { template: 'postgres://{user}:{password}@db:5432/atlas' },
          REDIS: { url: { user: 'user', password: 'password' } },
          CACHE: { url: { password: 'password' } },
          QUEUE: { url: { password: 'password' } },
        },
      },
    ])
    expect(database?.waves).toEqual([
      [
        {
          use: 'service',
          config: { pid: 'a.pid' },
          place: place(27, 13),
          attest: { use: 'issuer', config: { application: 'atlas-{name}' }, place: place(27, 49) },
        },
        {
          use: 'service',
          config: { pid: 'b.pid' },
          place: place(28, 13),
          attest: { use: 'look', config: { challenge: 'http://127.0.0.1/attest' }, place: place(28, 49) },
        },
      ],
      [{ use: 'service', config: { pid: 'c.pid' }, place: place(29, 9) }],
    ])
    expect(database?.checks).toEqual([
      { use: 'look', config: { url: 'http://127.0.0.1/readyz', status: 200 }, as: 'new', within: 30_000, place: place(30, 14) },
    ])
  })

  it("takes what a secret does not say from the defaults, and what they do not say from keyturn's", () => {
    expect(database?.timing).toEqual({
      grace: 172_800_000,
      quiet: 20_000,
      quietEvery: 1_000,
      undo: 7_200_000,
      deadline: 10_000,
      ready: 60_000,
    })
    expect(session).toMatchObject({
      owner: 'platform',
      notify: ['ops'],
      every: '90d',
      lifecycle: 'active',
      impact: 'none',
      strategy: 'in-place',
      waves: [],
      checks: [],
    })
    expect(session?.timing).toEqual({
      grace: 172_800_000,
      quiet: 600_000,
      quietEvery: 30_000,
      undo: 3_600_000,
      deadline: 10_000,
      ready: 60_000,
    })
    expect(session?.issuer.config).toEqual({ length: 32 })
  })

  it('needs no more than a version, a system and a secret', async () => {
    const least = await parseManifest(
      'version: 1\nsystem: s\nsecrets: { a: { issuer: { use: dice }, stores: [{ use: envfile, file: f, bind: { K: "{value}" } }] } }',
      '/srv/k.yaml',
      { registry },
    )
    expect(least).toMatchObject({ environment: 'production', state: '/srv/.keyturn', base: '/srv' })
    expect(least.secrets.a?.timing).toEqual({
      grace: 86_400_000,
      quiet: 60_000,
      quietEvery: 3_000,
      undo: 3_600_000,
      deadline: 10_000,
      ready: 60_000,
    })
  })

  it.each([
    ['var/state', '/srv/var/state'], ['/var/state', '/var/state'], ['${env:STATE}', '${env:STATE}'], ['postgres://keyturn:${env:PASSWORD}@db/keyturn', 'postgres://keyturn:${env:PASSWORD}@db/keyturn'],
    ['postgresql://db/keyturn', 'postgresql://db/keyturn'],
  ])('has its state where it says: a folder from its own on, or what is only known when it is resolved: %s', async (written, state) => {
    const text = `version: 1\nsystem: s\nstate: "${written}"\nsecrets: { a: { issuer: { use: dice }, stores: [{ use: envfile, file: f, bind: { K: "{value}" } }] } }`
    expect((await parseManifest(text, '/srv/k.yaml', { registry })).state).toBe(state)
  })

  it.each([
    ['0s', 0, 250],
    ['1s', 1_000, 250],
    ['100s', 100_000, 5_000],
    ['2h', 7_200_000, 30_000],
  ])('with quiet: %s looks in good time', async (quiet, length, every) => {
    const text = full.replace('quiet: { for: 20s, every: 1s }', `quiet: ${quiet}`)
    expect((await parseManifest(text, 'k.yaml', { registry })).secrets.database?.timing).toMatchObject({
      quiet: length,
      quietEvery: every,
    })
  })

  it('may share parts by anchors and aliases', async () => {
    const text = full.replace('quiet: 10m }', 'quiet: &q 10m }').replace('undo: 2h', 'undo: *q')
    expect((await parseManifest(text, 'k.yaml', { registry })).secrets.database?.timing.undo).toBe(600_000)
  })
})

describe('a manifest on disk', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-manifest-'))
    writeFileSync(join(folder, 'keyturn.yaml'), full)
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const answering = (gitState: (path: string) => GitState) => ({
    gitStates: (paths: readonly string[]) => Promise.resolve(new Map(paths.map((path) => [path, gitState(path)]))),
  })
  const load = (gitState?: (path: string) => GitState) =>
    loadManifest(join(folder, 'keyturn.yaml'), { registry, ...(gitState && answering(gitState)) })

  it('that is missing says so', async () => {
    await expect(loadManifest(join(folder, 'other.yaml'), { registry })).rejects.toMatchObject({
      code: 'MANIFEST_MISSING',
      about: join(folder, 'other.yaml'),
    })
  })

  it('is loaded when git ignores its stores, or has nothing to say (S0-04)', async () => {
    const asked: string[] = []
    for (const state of ['ignored', 'outside', 'unknown'] as const) {
      const manifest = await load((path) => (asked.push(path), state))
      expect(Object.keys(manifest.secrets)).toEqual(['database', 'session'])
    }
    expect(new Set(asked)).toEqual(new Set([join(folder, 'config/.env'), join(folder, '.env')]))
  })

  it('is refused when git tracks a store or does not ignore it, at the line of its file (S0-04)', async () => {
    const file = join(folder, 'keyturn.yaml')
    await expect(load((path) => (path.endsWith('config/.env') ? 'tracked' : 'exposed'))).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      about: [
        `${file}:19:15 git tracks this store; write a file that git ignores (\`git rm --cached\` and .gitignore, if it is this one)`,
        `${file}:33:36 git does not ignore this store; write its name into .gitignore`,
      ].join('\n'),
    })
  })

  it('asks git itself, and about what a link leads to (S0-04, S0-05)', async () => {
    const git = (...words: string[]): unknown => execFileSync('git', ['-C', folder, ...words], { stdio: 'ignore' })
    git('init')
    writeFileSync(join(folder, '.gitignore'), '.env\n')
    expect(Object.keys((await load()).secrets)).toEqual(['database', 'session'])
    writeFileSync(join(folder, 'real'), '')
    symlinkSync('real', join(folder, '.env'))
    await expect(load()).rejects.toThrow('33:36 git does not ignore this store')
    git('add', 'real')
    await expect(load()).rejects.toThrow('33:36 git tracks this store')
    mkdirSync(join(folder, 'config'))
    symlinkSync('../env.example', join(folder, 'config/.env'))
    writeFileSync(join(folder, 'env.example'), '')
    await expect(load()).rejects.toThrow('19:15 an example is no store')
  })

  it('names what git says together with all other problems', async () => {
    writeFileSync(join(folder, 'worse.yaml'), full.replace('lifecycle: legacy', 'lifecycle: old'))
    const worse = loadManifest(join(folder, 'worse.yaml'), { registry, ...answering(() => 'tracked') })
    await expect(worse).rejects.toMatchObject({
      problems: [{ place: { line: 10 } }, { place: { line: 19 } }, { place: { line: 33 } }],
    })
  })
})
