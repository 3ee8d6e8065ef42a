import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { registry as generated } from '../../connectors.gen.ts'
import { parseManifest } from '../../yaml/load.ts'
import { issuerSchema } from './issuer-schema.ts'
import manifest, { checkSchema, consumerSchema } from './manifest.ts'

// The one from the folder, whatever the generated registry holds.
const registry = { ...generated, person: { manifest, load: async () => ({}) } }

const KEY = {
  name: 'the key', at: 'https://console.example', fields: { label: 'plain', key: 'secret' }, id: 'label',
  probe: { url: 'https://api.example/me', headers: { 'X-Api-Key': '{key}' } },
}
const ONE = { name: 'the password', at: 'the safe', strategy: 'in-place', fields: { key: 'secret' } }

const faults = (schema: z.ZodType, written: object): string[] => schema.safeParse(written).error?.issues.map(({ path }) => path.join('.')) ?? []

describe('the configuration of an issuer', () => {
  it.each([['two keys', KEY], ['one slot', ONE], ['an id in the value', { ...KEY, id: { field: 'key', matches: '^SG\\.([^.]+)\\.' } }]])('takes %s', (_title, written) => {
    expect(faults(issuerSchema, written)).toEqual([])
  })

  it.each<[string, object, string]>([
    ['no secret', { ...KEY, fields: { label: 'plain' } }, 'fields'],
    ['two that nobody tells apart', { ...KEY, id: undefined }, 'id'],
    ['an id that is secret', { ...KEY, id: 'key' }, 'id'],
    ['an id in no field', { ...KEY, id: 'nothing' }, 'id'],
    ['an id in a field that is not there', { ...KEY, id: { field: 'x', matches: '(a)' } }, 'id.field'],
    ['a pattern without a group', { ...KEY, id: { field: 'key', matches: 'a' } }, 'id.matches'],
    ['slots where there is one', { ...ONE, slots: 2 }, 'slots'],
    ['an end where the next one ends it', { ...ONE, end: { steps: ['End it.'] } }, 'end'],
    ['a lockout where nobody logs in', { ...ONE, lockout: 5 }, 'lockout'],
    ['a strategy that no person can carry out', { ...KEY, strategy: 'provider-managed' }, 'strategy'],
    ['a password in a URL', { ...KEY, at: 'https://me:word@console.example' }, 'at'],
    ['a reference in a step', { ...KEY, mint: { steps: ['Use ${env:KEY}.'] } }, 'mint.steps.0'],
    ['a value in a step', { ...KEY, end: { steps: ['Search for {key}.'] } }, 'end.steps.0'],
    ['the attempt where the old one is ended', { ...KEY, end: { title: 'End {tag}' } }, 'end.title'],
    ['a step that writes to the terminal', { ...KEY, mint: { steps: ['\u001b[2J'] } }, 'mint.steps.0'],
    ['no steps at all', { ...KEY, mint: { steps: [] } }, 'mint.steps'],
    ['a value in the address of the probe', { ...KEY, probe: { url: 'https://api.example/{key}' } }, 'probe.url'],
    ['a probe that shows no secret', { ...KEY, probe: { url: 'https://api.example/me', headers: { 'X-Name': '{label}' } } }, 'probe'],
    ['a literal in the probe', { ...KEY, probe: { url: 'https://api.example/me', headers: { 'X-Api-Key': 'literal' } } }, 'probe.headers'],
  ])('finds %s (C-01, I11)', (_title, written, fault) => {
    expect(faults(issuerSchema, written)).toContain(fault)
  })
})

it.each<[string, z.ZodType, object, string]>([
  ['a service twice', consumerSchema, { services: ['a', 'a'] }, 'services'],
  ['readiness of a service that is not there', consumerSchema, { services: ['a'], ready: { b: 'http://127.0.0.1/' } }, 'ready'],
  ['a check that asks nothing', checkSchema, { steps: ['Look.'] }, 'title'],
])('finds %s', (_title, schema, written, fault) => {
  expect(faults(schema, written)).toEqual([fault])
})

describe('the example of the readme', () => {
  const text = /```yaml\n(version[^]*?)```/.exec(readFileSync(join(import.meta.dirname, 'readme.md'), 'utf8'))?.[1] ?? ''

  it('is a valid manifest (X-15)', async () => {
    const { clerk } = (await parseManifest(text, 'keyturn.yaml', { registry })).secrets
    expect(clerk?.strategy).toBe('overlap')
    expect([clerk?.waves.flat(), clerk?.checks].map((list) => list?.map(({ use }) => use))).toEqual([['person'], ['person']])
  })

  it('fits the published JSON Schema', () => {
    const schema = z.fromJSONSchema(JSON.parse(readFileSync(join(import.meta.dirname, '../../../schema/keyturn.schema.json'), 'utf8')))
    expect(schema.safeParse(parse(text)).error?.issues).toBeUndefined()
  })
})
