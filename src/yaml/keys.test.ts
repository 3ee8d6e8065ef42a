import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { registry } from '../connectors.gen.ts'
import type { SecretSpec } from '../manifest/model.ts'
import { parseManifest } from './load.ts'

const HOUR = 3_600_000

interface Written {
  readonly strategy?: string
  readonly bind?: string
  readonly rest?: string
  readonly defaults?: string
  readonly consumers?: string
}

const CONSUMERS = '    consumers: [{ use: command, run: ["true"], services: [api] }]'

async function load({ strategy = 'dual-key', bind = '{ K: "{value}", K_PREVIOUS: { previous: "{value}" } }', rest = '    tokens: { life: 24h }', defaults = '{}', consumers = CONSUMERS }: Written): Promise<SecretSpec | undefined> {
  const { secrets } = await parseManifest(`version: 1
system: atlas
defaults: ${defaults}
secrets:
  jwt:
    issuer: { use: random, name: jwt, format: hex, strategy: ${strategy} }
    impact: everybody is logged out
    stores: [{ use: dotenv, file: .env, bind: ${bind} }]
${rest}
${consumers}
`, 'keyturn.yaml', { registry })
  return secrets['jwt']
}

describe('two keys in a manifest', () => {
  it('have a place for the other one, and a time in which both are accepted', async () => {
    const secret = await load({ rest: '    tokens: { life: 48h, cache: 10m }', bind: '{ K: "{value}", P: { previous: "{value}", empty: true }, N: { new: "{value}" }, O: { old: "x:{value}" } }' })
    expect(secret).toMatchObject({ strategy: 'dual-key', timing: { grace: 48 * HOUR, tokens: { life: 48 * HOUR, cache: 600_000 } } })
    expect(secret?.stores[0]?.bind).toEqual({
      K: { template: '{value}' }, P: { template: '{value}', slot: 'previous', empty: true }, N: { template: '{value}', slot: 'new' }, O: { template: 'x:{value}', slot: 'old' },
    })
  })

  it('have a grace of a day, or of the life of a token where that is longer (S3-20)', async () => {
    expect((await load({ rest: '    tokens: { life: 1h }' }))?.timing.grace).toBe(24 * HOUR)
    expect((await load({ rest: '    tokens: { life: 7d }' }))?.timing.grace).toBe(168 * HOUR)
    expect((await load({ rest: '    tokens: { life: 1h }\n    grace: 2h' }))?.timing.grace).toBe(2 * HOUR)
  })

  it.each<[string, Written, string]>([
    ['a grace shorter than the life of a token', { rest: '    tokens: { life: 24h }\n    grace: 10m' }, '10:12 the grace is shorter than the life of a token, `24h`: tokens that are good would be refused; write `grace: 24h` or longer'],
    ['a grace for all that is shorter', { defaults: '{ grace: 1h }' }, '3:20 the grace is shorter than the life of a token, `24h`: tokens that are good would be refused; write `grace: 24h` in this secret or longer'],
    ['no life of tokens', { rest: '' }, '5:3 nobody knows how long what the key signs is alive; write `tokens: { life: 24h }` with the longest life of a token, a session or a retry'],
    ['no place for the other key', { bind: '{ K: "{value}" }' }, '8:5 no store has a place for the other key while two are accepted; write `KEY_PREVIOUS: { previous: "{value}" }` or `{ jwks: "{jwk}" }` in the `bind` of a store'],
    ['nobody who checks', { consumers: '' }, '5:3 nobody is named who checks what the key signs; write `consumers:` with all who do: nobody else can prove that a key is accepted'],
    ['a key set without a cache', { bind: '{ K: "{value}", J: { jwks: "{value}" } }' }, '9:5 nobody knows how long verifiers keep a key set that they fetched; write `cache: 10m` in `tokens` with the time after which the last of them fetches it again; `0s` when they read it when they are reloaded'],
    ['a key set of more than a field', { bind: '{ K: "{value}", J: { jwks: "x{value}" } }' }, '8:74 a key set is made of one field; write `"{jwk}"`'],
    ['a previous key that is no template', { bind: '{ K: "{value}", P: { previous: "{valu}" } }' }, '8:78 the issuer has no field `valu`; write `value`'],
    ['a previous key in place', { strategy: 'in-place', rest: '' }, '8:5 under `in-place` nobody accepts two keys that we make; write `strategy: dual-key` under `issuer`, or a binding without `previous` and `jwks`'],
    ['names of both in place', { strategy: 'in-place', rest: '', bind: '{ K: "{value}", N: { new: "{value}" } }' }, '8:5 under `in-place` there is no time in which both are accepted; write a binding without `new` and `old`'],
    ['tokens without two keys', { strategy: 'hard-cut', bind: '{ K: "{value}" }' }, '9:5 `tokens` is for `dual-key` only; write `strategy: dual-key` under `issuer`, or leave it out'],
  ])('refuses %s, with its place and what to write', async (_, written, problem) => {
    await expect(load(written)).rejects.toMatchObject({ code: 'MANIFEST_INVALID', about: expect.stringContaining(`keyturn.yaml:${problem}`) })
  })

  it('reads every example of the documentation', async () => {
    const examples = [...readFileSync('docs/dual-key.md', 'utf8').matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text)
    expect(examples.length).toBeGreaterThan(3)
    for (const text of examples) {
      const whole = text.startsWith('version') ? text : `version: 1\nsystem: atlas\nsecrets:\n${text.replaceAll(/^(?=.)/gm, '  ')}`
      expect(Object.keys((await parseManifest(whole, 'keyturn.yaml', { registry })).secrets).length).toBeGreaterThan(0)
    }
  })
})
