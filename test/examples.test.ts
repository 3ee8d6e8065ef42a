import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { registry } from '../src/connectors.gen.ts'
import { parseManifest } from '../src/yaml/load.ts'

const root = join(import.meta.dirname, '..')
const examples = globSync('examples/*/keyturn.yaml', { cwd: root })
const schema = z.fromJSONSchema(JSON.parse(readFileSync(join(root, 'schema/keyturn.schema.json'), 'utf8')))
const textOf = (example: string): string => readFileSync(join(root, example), 'utf8')

describe('the examples', () => {
  it('are there', () => {
    expect(examples).toContain('examples/atlas/keyturn.yaml')
  })

  it.each(examples)('%s is a valid manifest (X-15)', async (example) => {
    const { secrets } = await parseManifest(textOf(example), example, { registry })
    expect(Object.values(secrets).every((secret) => secret.stores.length > 0)).toBe(true)
  })

  it.each(examples)('%s fits the published JSON Schema', (example) => {
    expect(schema.safeParse(parse(textOf(example)))).toMatchObject({ success: true })
  })

  it('stores, waves and connectors of Atlas are those of its runbook (S0-01, S0-04, S0-09)', async () => {
    const { database } = (await parseManifest(textOf('examples/atlas/keyturn.yaml'), 'keyturn.yaml', { registry })).secrets
    expect(database?.strategy).toBe('alternate')
    expect(database?.stores.map(({ use, config, bind }) => [use, config.file, bind])).toEqual([
      ['dotenv', '/opt/atlas/.env', { ATLAS_DB_DSN: { url: { user: 'user', password: 'password' } } }],
    ])
    expect(database?.waves.flat().map(({ use, config }) => [use, config.services])).toEqual([
      ['command', ['gateway', 'graphsync', 'resolver']],
    ])
  })

  it('Atlas has every secret of its runbook, each with an owner, how often, and what users feel (S0-01, S0-25, S0-31)', async () => {
    const { secrets } = await parseManifest(textOf('examples/atlas/keyturn.yaml'), 'keyturn.yaml', { registry })
    expect(Object.values(secrets).map(({ name, strategy, lifecycle, issuer }) => [name, issuer.use, strategy, lifecycle])).toEqual([
      ['database', 'postgres', 'alternate', 'active'],
      ['ai-key', 'litellm', 'overlap', 'active'],
      ['openrouter-key', 'openrouter', 'overlap', 'legacy'],
      ['session-secret', 'random', 'hard-cut', 'active'],
      ['web-client', 'zitadel', 'in-place', 'active'],
      ['graphsync-key', 'zitadel', 'overlap', 'active'],
      ['redis', 'redis', 'alternate', 'active'],
    ])
    for (const secret of Object.values(secrets)) expect(secret, secret.name).toMatchObject({ owner: expect.stringMatching(/./), impact: expect.stringMatching(/./) })
  })

  it.each(['the0', 'the0-kubernetes'])('%s rotates one at a time, in hours that people know of, and says what they feel (S4-21, S4-22, S4-28, S4-29)', async (example) => {
    const { secrets, schedule } = await parseManifest(textOf(`examples/${example}/keyturn.yaml`), 'keyturn.yaml', { registry })
    expect(schedule).toMatchObject({ serial: true, windows: [{}] })
    expect(Object.keys(secrets)).toEqual(expect.arrayContaining(['root-admin', 'database', 'object-storage', 'redis', 'jwt-secret']))
    expect(secrets['jwt-secret']).toMatchObject({ strategy: 'hard-cut', impact: expect.stringContaining('API token') })
    for (const secret of Object.values(secrets)) expect(secret, secret.name).toMatchObject({ owner: 'platform', impact: expect.stringMatching(/./) })
  })

  it('the0 on Kubernetes seals the root admin into git and waits for Flux before the rollout (S4-14..S4-20)', async () => {
    const admin = (await parseManifest(textOf('examples/the0-kubernetes/keyturn.yaml'), 'keyturn.yaml', { registry })).secrets['root-admin']
    expect(admin?.stores).toMatchObject([{ use: 'sealed-secrets', config: { name: 'the0-root-admin', flux: { kustomization: 'the0' } } }])
    expect(admin?.waves.flat()).toMatchObject([{ use: 'kubernetes', config: { name: 'the0-api', secret: 'the0-root-admin' } }])
    expect(admin?.checks).toMatchObject([{ use: 'command', as: 'new' }])
  })
})

it('the manifest of docs/manifest.md is valid, for keyturn and for the JSON Schema', async () => {
  const text = /```yaml\n(# yaml-language-server[^]*?)```/.exec(textOf('docs/manifest.md'))?.[1] ?? ''
  expect((await parseManifest(text, 'keyturn.yaml', { registry })).system).toBe('shop')
  expect(schema.safeParse(parse(text))).toMatchObject({ success: true })
})

describe('the JSON Schema', () => {
  const text = textOf('examples/atlas/keyturn.yaml')

  it.each([
    ['an unknown key', 'system: atlas', 'system: atlas\nsytem: atlas'],
    ['an unknown connector', 'use: postgres', 'use: postgre'],
    ["an unknown key in a connector's configuration", 'role: atlas', 'role: atlas\n      rle: atlas'],
    ['a strategy that the connector cannot do', 'strategy: alternate', 'strategy: dual-key'],
    ['a wrong duration', 'every: 90d', 'every: 90 days'],
    ['a wrong type', 'role: atlas', 'role: [atlas]'],
    ['a binding that is none', '{ url: { user: user, password: password } }', '{ uri: x }'],
    ["the issuer's attest without its application", 'application: "atlas-{name}"', 'app: x'],
    ['a check of the system that takes a credential', 'timeout: 2m }\npostflight', 'timeout: 2m, as: new }\npostflight'],
  ])('refuses %s', (_, right, wrong) => {
    expect(text).toContain(right)
    expect(schema.safeParse(parse(text.replace(right, wrong))).success).toBe(false)
  })
})
