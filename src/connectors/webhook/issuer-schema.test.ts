import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { registry as generated } from '../../connectors.gen.ts'
import { parseManifest } from '../../yaml/load.ts'
import { referenceTraits, titleOf } from '../../testing/reference-traits.ts'
import { referenceConfig } from './fake.ts'
import { issuerSchema } from './issuer-schema.ts'
import manifest from './manifest.ts'

// The one from the folder, whatever the generated registry holds.
const registry = { ...generated, webhook: { manifest, load: async () => ({}) } }

/** A provider that keeps tags and has everything. */
const FULL = `
principal: api.mail.example/atlas
fields: { id: plain, token: secret }
traits: { value: made, mint: adds, locate: tag, slots: 3 }
auth: { Authorization: "Bearer \${env:ADMIN}" }
mint:
  url: https://api.mail.example/keys
  headers: { Idempotency-Key: "{tag}" }
  json: { name: "atlas {tag}" }
  answer: { id: key.id, fields: { token: key.token } }
list: { url: "https://api.mail.example/keys?limit=100", items: keys, complete: { has_more: false }, item: { id: id, tag: name, lastUsed: used } }
off: { url: "https://api.mail.example/keys/{id}", method: PATCH, json: { disabled: true } }
on: { url: "https://api.mail.example/keys/{id}", method: PATCH, json: { disabled: false } }
gone: { url: "https://api.mail.example/keys/{id}" }
probe: { url: https://api.mail.example/me, headers: { Authorization: "Bearer {token}" } }
`
/** One password that is chosen and replaced. */
const CHOSEN = `
principal: grafana.example/atlas
strategy: in-place
fields: { user: plain, password: secret }
traits: { value: chosen, mint: replaces, locate: value }
mint: { url: https://grafana.example/password, method: PUT, basic: { user: admin, password: "\${env:ADMIN}" }, json: { password: "{password}" } }
probe: { url: https://grafana.example/me, basic: { user: "{user}", password: "{password}" } }
`
/** A rotation of the provider. */
const TRIGGERED = `
principal: vault.example/atlas
strategy: provider-managed
fields: { token: secret }
traits: { value: made, mint: triggers, locate: tag }
mint: { url: https://vault.example/rotate, json: { token: "{tag}" } }
collect: { url: "https://vault.example/rotations/{tag}", answer: { fields: { token: value } } }
probe: { url: https://vault.example/me, headers: { X-Api-Key: "{token}" } }
`

type Path = readonly (string | number)[]

/** The paths of what is wrong after one change: a value at a path, or undefined to take it away. */
function faultsAfter(text: string, path: Path, value: unknown): string[] {
  const written: unknown = parse(text)
  let at: unknown = written
  for (const part of path.slice(0, -1)) at = Reflect.get(Object(at), part)
  if (value === undefined) Reflect.deleteProperty(Object(at), path.at(-1) ?? '')
  else Reflect.set(Object(at), path.at(-1) ?? '', value)
  return issuerSchema.safeParse(written).error?.issues.map((issue) => issue.path.join('.')) ?? []
}

const url = (path: string): string => `https://api.mail.example/${path}`

describe('the configuration of webhook', () => {
  it.each([['FULL', FULL], ['CHOSEN', CHOSEN], ['TRIGGERED', TRIGGERED]])('takes a whole one: %s', (_title, text) => {
    expect(issuerSchema.safeParse(parse(text)).error?.issues).toBeUndefined()
  })

  it.each(referenceTraits.map((traits) => [titleOf(traits), traits] as const))('takes the reference issuer: %s', (_title, traits) => {
    const { use, ...config } = referenceConfig({ url: 'http://127.0.0.1:1', principal: '127.0.0.1:1/atlas' }, traits)
    expect(use).toBe('webhook')
    expect(issuerSchema.safeParse(config).error?.issues).toBeUndefined()
  })

  it.each<[string, string, Path, unknown, string]>([
    ['a value in a path', FULL, ['probe', 'url'], url('me/{token}'), 'probe.url'],
    ['a value in a query', FULL, ['probe', 'url'], url('me?key={token}'), 'probe.url'],
    ['a value in the second address', FULL, ['probe', 'url'], [url('me'), url('you/{token}')], 'probe.url.1'],
    ['a reference in a URL', FULL, ['mint', 'url'], url('${env:KEY}'), 'mint.url'],
    ['a password in a URL', FULL, ['mint', 'url'], 'https://admin:word@api.mail.example/', 'mint.url'],
    ['a placeholder in a host', FULL, ['gone', 'url'], 'https://{id}.mail.example/', 'gone.url'],
    ['a plain field in a URL', CHOSEN, ['mint', 'url'], 'https://grafana.example/{user}', 'mint.url'],
    ['a secret as a literal header', FULL, ['mint', 'headers'], { 'X-Api-Key': 'literal' }, 'mint.headers'],
    ['a secret as a literal in JSON', FULL, ['off', 'json'], { deep: [{ clientSecret: 'literal' }] }, 'off.json'],
    ['a secret as a literal in a form', FULL, ['gone', 'form'], { api_key: 'literal' }, 'gone.form'],
    ['a literal password', CHOSEN, ['mint', 'basic', 'password'], 'literal', 'mint.basic.password'],
  ])('keeps secrets out of URLs and literals: %s (C-01, I11)', (_title, text, path, value, fault) => {
    expect(faultsAfter(text, path, value)).toEqual([fault])
  })

  it.each<[string, Path, unknown]>([
    ['mint', ['mint'], { ask: { title: 'Make a key', steps: ['Call it {tag}.'], due: '4h' } }],
    ['off', ['off'], { ask: { steps: ['Turn {id} off.'] } }],
    ['on', ['on'], { ask: { steps: ['Turn {id} on.'] } }],
    ['gone', ['gone'], { ask: { steps: ['End {id}.'] } }],
  ])('takes a person in place of a request: %s (C-04)', (_title, path, value) => {
    expect(faultsAfter(FULL, path, value)).toEqual([])
  })

  it('takes a literal under a key that only sounds like one', () => {
    expect(faultsAfter(FULL, ['off', 'json'], { token_type: 'bearer', secret: true, password: '' })).toEqual([])
  })

  it.each<[string, string, Path, unknown, string]>([
    ['a strategy that the provider cannot carry out', FULL, ['strategy'], 'in-place', 'strategy'],
    ['a made value that is located by itself', FULL, ['traits', 'locate'], 'value', 'traits.locate'],
    ['a chosen value that is located by a tag', CHOSEN, ['traits', 'locate'], 'tag', 'traits.locate'],
    ['a tag that nobody sends', FULL, ['mint', 'json'], { name: 'atlas' }, 'traits.locate'],
    ['a tag that nobody lists', FULL, ['list', 'item', 'tag'], undefined, 'traits.locate'],
    ['a baseline of a list that may not be whole', FULL, ['list', 'complete'], false, 'list.complete'],
    ['a second credential without a slot', FULL, ['traits', 'slots'], undefined, 'traits.slots'],
    ['two slots that are one', CHOSEN, ['traits', 'slots'], 2, 'traits.slots'],
    ['a rotation that nobody collects', TRIGGERED, ['collect'], undefined, 'collect'],
    ['collecting what was not triggered', FULL, ['collect'], { url: url('{tag}'), answer: { fields: { token: 'a' } } }, 'collect'],
    ['no probe', FULL, ['probe'], undefined, 'probe'],
    ['a probe where only consumers can tell', FULL, ['traits', 'acceptor'], 'consumers', 'probe'],
    ['a probe that shows no secret', FULL, ['probe', 'headers'], { 'X-Key-Id': '{id}' }, 'probe'],
    ['off without on', FULL, ['on'], undefined, 'on'],
    ['an end that names no credential', FULL, ['gone', 'url'], url('keys'), 'gone'],
    ['an end without a list', CHOSEN, ['gone'], { url: url('{id}') }, 'gone'],
    ['an end by a value that is not there', FULL, ['gone', 'headers'], { 'X-Old': '{token}' }, 'gone'],
    ['no secret field', FULL, ['fields'], { id: 'plain', token: 'plain' }, 'fields'],
    ['a secret id', FULL, ['fields', 'id'], 'secret', 'fields.id'],
    ['a field with the name of the attempt', FULL, ['fields', 'tag'], 'plain', 'fields.tag'],
    ['two ways to tell the id', FULL, ['id'], { field: 'token', sha256: true }, 'id'],
    ['an id told by a field that is not there', TRIGGERED, ['id'], { field: 'key', sha256: true }, 'id.field'],
    ['an id told in two ways', TRIGGERED, ['id'], { field: 'token', sha256: true, matches: '^(a)' }, 'id'],
    ['an id told in no way', TRIGGERED, ['id'], { field: 'token' }, 'id'],
    ['an id in a random value', CHOSEN, ['id'], { field: 'password', matches: '^(a)' }, 'id.matches'],
    ['a list without the path of the id', FULL, ['list', 'item', 'id'], undefined, 'list.item.id'],
    ['an answer where the value is chosen', CHOSEN, ['mint', 'answer'], { fields: { password: 'p' } }, 'mint.answer'],
    ['no answer where the value is made', FULL, ['mint', 'answer'], undefined, 'mint.answer'],
    ['an answer without a field', FULL, ['mint', 'answer', 'fields'], {}, 'mint.answer.fields'],
    ['an answer with a field that nobody knows', FULL, ['mint', 'answer', 'fields', 'extra'], 'x', 'mint.answer.fields.extra'],
    ['an answer without the id', FULL, ['mint', 'answer', 'id'], undefined, 'mint.answer.id'],
    ['a chosen value that is not sent', CHOSEN, ['mint', 'json'], { name: 'constant' }, 'mint'],
    ['a made value that is sent', FULL, ['mint', 'json'], { name: '{tag}', token: '{token}' }, 'mint'],
    ['a list that asks for one', FULL, ['list', 'url'], url('keys/{id}'), 'list'],
    ['two bodies', FULL, ['mint', 'form'], { a: 'b' }, 'mint'],
    ['a body of GET', FULL, ['probe', 'json'], { a: 'b' }, 'probe.method'],
    ['two authorizations', CHOSEN, ['probe', 'headers'], { authorization: '{password}' }, 'probe'],
    ['a lone brace in a body', FULL, ['mint', 'json', 'more'], { deep: ['{'] }, 'mint.json'],
    ['a collecting that does not say what', TRIGGERED, ['collect', 'url'], url('latest'), 'collect'],
    ['a refusal after which nobody knows', FULL, ['refusals'], [{ status: 503, code: 'SLOTS_FULL' }], 'refusals.0.status'],
    ['a pattern without a group', FULL, ['list', 'item', 'tag'], { path: 'name', matches: 'atlas .*' }, 'list.item.tag.matches'],
    ['two addresses that are one', FULL, ['probe', 'url'], [url('me?a=1'), url('me?a=2')], 'probe.url'],
    ['a lockout at the first wrong login', FULL, ['traits', 'lockout'], 1, 'traits.lockout'],
    ['a short random value', CHOSEN, ['generate'], { length: 12 }, 'generate.length'],
    ['a chosen value that a person would have to be shown', CHOSEN, ['mint'], { ask: { steps: ['Set it.'] } }, 'mint'],
    ['a rotation that a person triggers', TRIGGERED, ['mint'], { ask: { steps: ['Start it.'] } }, 'mint'],
    ['a tag that no person is told', FULL, ['mint'], { ask: { steps: ['Make a key.'] } }, 'traits.locate'],
    ['an end by hand that asks for a value', FULL, ['gone'], { ask: { steps: ['End {token}.'] } }, 'gone.ask.steps.0'],
    ['a task without steps', FULL, ['gone'], { ask: { title: 'End it' } }, 'gone'],
  ])('finds %s', (_title, text, path, value, fault) => {
    expect(faultsAfter(text, path, value)).toContain(fault)
  })
})

describe('a manifest with webhook', () => {
  const written = (issuer: string, bind = '{ KEY_ID: "{id}", TOKEN: "{token}" }'): string => `
version: 1
system: atlas
secrets:
  mail:
    issuer:
      use: webhook${issuer.replaceAll('\n', '\n      ')}
    stores: [{ use: dotenv, file: .env, bind: ${bind} }]
`
  const load = async (text: string): Promise<unknown> => {
    try {
      return (await parseManifest(text, 'keyturn.yaml', { registry })).secrets['mail']?.strategy
    } catch (thrown) {
      return thrown
    }
  }

  it('knows the fields that its configuration names (C-18)', async () => {
    expect(await load(written(FULL))).toBe('overlap')
    expect(await load(written(FULL, '{ KEY_ID: "{id}" }'))).toMatchObject({ problems: [{ what: 'no store carries the field `token`' }] })
    expect(await load(written(FULL, '{ TOKEN: "{token}" }'))).toMatchObject({
      problems: [{ what: 'no store carries the field `id`, and it changes under `overlap`' }],
    })
    expect(await load(written(FULL, '{ KEY_ID: "{id}", TOKEN: "{tokn}" }'))).toMatchObject({ problems: [{ place: { line: 23 } }] })
  })

  it('takes a plain field that no store carries where it stays the same', async () => {
    expect(await load(written(CHOSEN, '{ P: "{password}" }'))).toBe('in-place')
  })

  it('refuses a literal where the admin shows who asks, and says what to write', async () => {
    const literal = await load(written(FULL.replace('Bearer ${env:ADMIN}', 'Bearer abcdef')))
    expect(literal).toMatchObject({ problems: [{ what: '`Authorization` is a literal secret', write: '`${env:NAME}`' }] })
  })

  it('says where a contradiction is and what to write instead (X-15)', async () => {
    expect(await load(written(FULL.replace('probe: { url: https://api.mail.example/me', 'probe: { url: "https://api.mail.example/me?k={token}"')))).toMatchObject({
      problems: [{ place: { line: 21 }, write: 'only `{id}` and `{tag}`: everybody logs URLs; put a value in a header or the body' }],
    })
  })
})
