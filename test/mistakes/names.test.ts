import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run as doctor } from '../../src/cli/commands/doctor.ts'
import { run as planned } from '../../src/cli/commands/plan.ts'
import { run as rotate } from '../../src/cli/commands/rotate.ts'
import { run as written } from '../../src/cli/commands/runbook.ts'
import { run as set } from '../../src/cli/commands/set.ts'
import { openStore } from '../../src/connectors/dotenv/index.ts'
import { registry } from '../../src/connectors.gen.ts'
import { ALNUM, generate } from '../../src/kit/generate.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { callWithin } from '../../src/testing/call.ts'
import { parseManifest } from '../../src/yaml/load.ts'
import { keptSession } from '../fixture/session.ts'
import { tempFolder } from '../fixture/state.ts'

// What the runbooks mix up by its name: values that somebody else makes, copies of one secret, files that git would take.

/** A folder with a manifest of these secrets, and files beside it. */
function system(secrets: string, files: Readonly<Record<string, string>> = {}): { readonly root: string; readonly manifest: string; readonly env: NodeJS.ProcessEnv } {
  const root = tempFolder()
  const manifest = join(root, 'keyturn.yaml')
  writeFileSync(manifest, `version: 1\nsystem: atlas\nsecrets:\n${secrets}`)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text, { mode: 0o600 })
  return { root, manifest, env: { PATH: process.env['PATH'], KEYTURN_IDENTITY: join(root, 'identity') } }
}

describe('a value that the provider makes', () => {
  it('is never generated: the script of the runbook stores hex for a key that nobody has issued, `keyturn set --generate` refuses it (C-18)', async () => {
    const resend = generate(ALNUM, 32)
    const { manifest, root, env } = system(`  resend:
    issuer: { use: person, name: resend, at: "https://resend.com/api-keys", strategy: in-place, fields: { key: secret } }
    stores: [{ use: dotenv, file: .env, bind: { RESEND_API_KEY: "{key}" } }]
`, { '.env': `RESEND_API_KEY=${resend}\n` })
    const script = `KEY=RESEND_API_KEY; VALUE=\${2:-$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \\n')}; printf '%s=%s\\n' "$KEY" "$VALUE"`
    expect(execFileSync('bash', ['-c', script], { encoding: 'utf8' })).toMatch(/^RESEND_API_KEY=[0-9a-f]{64}$/m)

    await expect(set(keptSession(env), ['resend'], { manifest, generate: true })).rejects.toMatchObject({ code: 'VALUE_MADE' })
    expect(readFileSync(join(root, '.env'), 'utf8')).toBe(`RESEND_API_KEY=${resend}\n`)
  })
})

describe('one secret in several places', () => {
  it('of which one was changed alone is found, and not rotated over: the runbook would go on with two values (C-19)', async () => {
    const value = generate(ALNUM, 32)
    const { manifest, root, env } = system(`  openai:
    issuer: { use: random, name: openai, format: alnum }
    stores:
      - { use: dotenv, file: aos.env, bind: { OPENAI_API_KEY: "{value}" } }
      - { use: dotenv, file: external.env, bind: { OPENAI_API_KEY: "{value}" } }
`, { 'aos.env': `OPENAI_API_KEY=${value}\n`, 'external.env': `OPENAI_API_KEY=${value}\n` })
    execFileSync('sed', ['-i', `s/OPENAI_API_KEY=.*/OPENAI_API_KEY=${generate(ALNUM, 32)}/`, join(root, 'aos.env')])
    const looked = keptSession(env)
    expect(await doctor(looked, [], { manifest, json: true })).toBe(3)
    expect(looked.json()).toMatchObject({ findings: expect.arrayContaining([expect.objectContaining({ code: 'STORE_DRIFT', says: expect.stringContaining('external.env') })]) })
    await expect(rotate(keptSession(env), ['openai'], { manifest, json: true })).rejects.toMatchObject({ code: 'STORE_DRIFT' })
    expect(readFileSync(join(root, 'external.env'), 'utf8')).toBe(`OPENAI_API_KEY=${value}\n`)
  })
})

describe('a file that git would take', () => {
  it('is not known by a pattern of its name: the hook of the runbook lets four of five through, keyturn asks git itself and refuses each (C-27)', async () => {
    const root = tempFolder()
    const git = (...args: string[]): string => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: root, GIT_AUTHOR_NAME: 'x', GIT_AUTHOR_EMAIL: 'x@x', GIT_COMMITTER_NAME: 'x', GIT_COMMITTER_EMAIL: 'x@x' } })
    git('init', '-q')
    // What the runbook has: anchored at the top, so that nested ones are not ignored, and the example is.
    writeFileSync(join(root, '.gitignore'), '/.env*\n')
    mkdirSync(join(root, 'gateway-bot'))
    const nested = ['gateway-bot/.env', 'gateway-bot/.env.eu', 'gateway-bot/.env.extra', 'gateway-bot/.envrc']
    for (const name of ['.env', ...nested]) writeFileSync(join(root, name), 'X=1\n', { mode: 0o600 })
    const hook = /^\.env($|\.[^e])/
    expect(['.env', ...nested].filter((name) => hook.test(name))).toEqual(['.env'])
    expect(['.env.eu', '.env.extra', '.envrc'].filter((name) => hook.test(name))).toEqual([])

    const inspect = (name: string) => openStore({ file: join(root, name) }, { base: root }).preflight(callWithin(10_000))
    expect(await inspect('.env')).toMatchObject({ is: 'done' })
    for (const name of nested) expect(await inspect(name), name).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
    // The template is for everybody: no value goes there, whether git ignores it or not.
    writeFileSync(join(root, '.env.example'), 'X=\n')
    expect(await inspect('.env.example')).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
    git('add', '-f', '.env')
    expect(await inspect('.env')).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
  })
})

describe('what stands in the inventory', () => {
  const byPerson = (name: string, at: string): string => `{ use: person, name: ${name}, at: "${at}", fields: { id: plain, key: secret }, id: id, end: { steps: ["Delete {id}."] } }`
  /** What the runbooks list and give no way for, and what makes it here. */
  const kinds: Readonly<Record<string, readonly [issuer: string, fields: string]>> = {
    nats: ['{ use: nats, servers: ["tls://n1:4222"], system: "${file:sys.creds}", operator: "${env:O}", account: ADKHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWXYZ23, signer: "${env:S}", user: worker, claims: { pub: { allow: [orders.>] } } }', 'seed, jwt'],
    iam: ['{ use: aws-iam, region: eu-central-1, user: uploader }', 'accessKeyId, secretAccessKey'],
    r2: [byPerson('r2', 'https://dash.cloudflare.com'), 'id, key'],
    jwt: ['{ use: random, name: jwt, format: base64, bytes: 64 }', 'value'],
    'aos-api-key': ['{ use: random, name: aos, format: hex }', 'value'],
    qdrant: ['{ use: qdrant, format: env, nodes: [{ name: qdrant-1, url: "https://qdrant-1.example:6333", file: qdrant.env, restart: [docker, compose, up] }] }', 'key'],
    neo4j: ['{ use: neo4j, edition: community, admin: "${env:NEO4J_ADMIN_URL}", user: app, strategy: in-place }', 'password'],
    keycloak: ['{ use: keycloak, url: "https://sso.example", realm: atlas, admin: { realm: atlas, client: rotator, secret: "${env:K}" }, client: { id: atlas-web }, strategy: in-place }', 'secret'],
    elasticache: ['{ use: aws-elasticache, region: eu-central-1, group: cache, inUse: "${file:.token}", endpoints: [{ name: primary, host: cache.example }] }', 'token'],
    telegram: ['{ use: person, name: bot, at: "https://t.me/BotFather", strategy: in-place, fields: { token: secret } }', 'token'],
    github: [byPerson('github', 'https://github.com/settings/tokens'), 'id, key'],
    anthropic: [byPerson('anthropic', 'https://console.anthropic.com'), 'id, key'],
    gcp: [byPerson('gcp', 'https://console.cloud.google.com'), 'id, key'],
    azure: [byPerson('azure', 'https://portal.azure.com'), 'id, key'],
  }

  it.each(Object.entries(kinds))('has a way, which ends the old one and proves it dead where somebody can tell: %s (C-30)', async (name, [issuer, fields]) => {
    const bind = fields.split(', ').map((field) => `${field.toUpperCase()}: "{${field}}"`).join(', ')
    const { manifest, env } = system(`  ${name}:\n    issuer: ${issuer}\n    stores: [{ use: dotenv, file: .env, bind: { ${bind} } }]\n`)
    const session = keptSession(env)
    expect(await planned(session, [name], { manifest, json: true, offline: true })).toBe(0)
    const { plan } = session.json() as { readonly plan: Plan }
    const does = plan.steps.map((step) => step.do)
    expect(does).toEqual(expect.arrayContaining(['preflight', 'mint', 'publish', 'receipt']))
    if (plan.traits.ends.length > 0) expect(does).toEqual(expect.arrayContaining(['gate', 'set']))
    if (plan.traits.acceptor === 'issuer') expect(does).toContain('prove')
    const runbook = keptSession(env)
    expect(await written(runbook, [name], { manifest })).toBe(0)
    expect(runbook.out()).toContain('## The way forward')
  })
})

describe('how long the old one stays', () => {
  it('is a day when nobody says otherwise: the runbook revokes after one green answer (C-39)', async () => {
    const { manifest } = system(`  database:
    issuer: { use: postgres, admin: "\${env:PG_ADMIN_URL}", role: shop }
    stores: [{ use: dotenv, file: .env, bind: { DATABASE_URL: { url: { user, password } } } }]
`)
    const { secrets } = await parseManifest(readFileSync(manifest, 'utf8'), manifest, { registry })
    expect(secrets['database']?.timing).toMatchObject({ grace: 86_400_000 })
    expect(secrets['database']?.timing.quiet).toBeGreaterThan(0)
    expect(secrets['database']?.timing.undo).toBeGreaterThan(0)
    const session = keptSession({})
    await planned(session, ['database'], { manifest, json: true, offline: true })
    const ids = (session.json() as { readonly plan: Plan }).plan.steps.map(({ id }) => id)
    expect(ids.indexOf('grace')).toBeLessThan(ids.indexOf('off'))
    expect(ids.indexOf('grace')).toBeGreaterThan(ids.indexOf('publish:0'))
  })
})
