import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { registry } from '../../test/fixture/registry.ts'
import { KeyturnError } from '../kit/index.ts'
import { parseManifest } from './load.ts'

const literal = randomBytes(18).toString('hex')

async function failureOf(text: string): Promise<KeyturnError> {
  try {
    await parseManifest(text, 'keyturn.yaml', { registry })
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return thrown
    throw thrown
  }
  throw new Error('the manifest is valid')
}

/** A manifest of one secret: lines 1 to 3 are its head, the block of the secret begins on line 4, column 5. */
function secret(...lines: string[]): string {
  return ['version: 1', 'system: s', 'secrets: { a: {', ...lines, '  } }', ''].join('\n')
}
const issuer = '  issuer: { use: base, admin: "${env:A}", role: r, strategy: in-place },'
const stores = '  stores: [ { use: envfile, file: .env, bind: { K: "{password}" } } ],'

/** Each row: what it is, the text, and every problem that it has. */
type Row = readonly [name: string, text: string, ...problems: string[]]

const syntax: readonly Row[] = [
  [
    'a quote that is not closed',
    'version: 1\nsystem: "s\n',
    '3:1 something is not closed; write the missing quote, bracket, comma or `: `',
  ],
  ['a tab', 'version: 1\ndefaults:\n\towner: p\n', '3:1 a tab in the indentation; write spaces'],
  ['a second colon', 'version: 1\nsystem: a: b\n', '2:9 a second `: ` in one line; write the text in quotes'],
  [
    'a bare reference in brackets',
    secret('  issuer: { use: base, admin: ${env:A} },'),
    '4:31 a reference inside of brackets; write it in quotes: `"${env:NAME}"`',
  ],
  ['an unknown tag', 'version: 1\nsystem: !secret s\n', '2:9 an unknown tag; write the value without the `!` word'],
  ['an alias without an anchor', 'version: 1\nsystem: *name\n', '2:9 the alias has no anchor before it; write the value itself'],
  [
    'two documents',
    'version: 1\n---\nversion: 1\n',
    '2:1 the file has more than one document; write one document, without `---` between',
  ],
  ['nothing', '', '1:1 the manifest is empty; write a map with `version: 1`, `system` and `secrets`'],
  ['a list', '- a\n', '1:1 the manifest is a list; write a map with `version: 1`, `system` and `secrets`'],
  [
    'duplicate keys, all of them, and the rest is validated too',
    `version: 1\nsystem: s\nsystem: t\nsecrets:\n  a:\n    owner: x\n    owner: y\n`,
    '3:1 `system` is there twice; write it once',
    '5:3 `issuer` is missing; write `issuer: ...` (What makes and ends its credentials)',
    '5:3 `stores` is missing; write `stores: ...` (Where its value is kept)',
    '7:5 `owner` is there twice; write it once',
  ],
]

const shape: readonly Row[] = [
  [
    'missing keys',
    'environment: staging\n',
    '1:1 `version` is missing; write `version: 1` (The version of this format)',
    '1:1 `system` is missing; write `system: ...` (The name of the system whose secrets these are)',
    '1:1 `secrets` is missing; write `secrets: ...` (The secrets by name)',
  ],
  [
    'an unknown key',
    secret(issuer, stores, '  store: []'),
    '6:3 `store` is not a key that is known here; write `stores` (did you mean that?)',
  ],
  [
    'a planned key',
    secret(issuer, stores, '  verifiers: []'),
    '6:3 `verifiers` is not a key that is known here; write one of `owner`, `lifecycle`, `issuer`, `every`, `on`, `tags`, `expires`, `notify`, `notice`, `schedule`, `tokens`, `impact`, `grace`, `quiet`, `undo`, `deadline`, `ready`, `snapshots`, `stores`, `consumers`, `checks`',
  ],
  [
    'wrong types',
    secret(issuer, stores, '  owner: 7, every: 90, on: compromise, impact: [x], checks: { }'),
    '6:10 `owner` is a number; write a text in quotes',
    '6:20 `every` is a number; write a text in quotes',
    '6:28 `on` is a text; write a list',
    '6:48 `impact` is a list; write a text',
    '6:61 `checks` is a map; write a list',
  ],
  ['an empty value', secret(issuer, stores, '  owner: '), '6:3 `owner` is empty; write a text'],
  [
    'a wrong word',
    secret(issuer, stores, '  lifecycle: activ'),
    '6:14 `lifecycle` has a value that is not known; write `active` (did you mean that? one of `active`, `future`, `legacy`, `static`)',
  ],
  [
    'durations',
    secret(issuer, stores, '  grace: 2 days, deadline: 0s, quiet: { every: 5 }'),
    '6:10 `grace` does not fit; write a duration such as `0s`, `30s`, `10m`, `48h`',
    '6:28 `deadline` does not fit; write a duration such as `250ms`, `30s`, `10m`',
    '6:32 `for` is missing; write `for: ...` (How long)',
    '6:48 `every` is a number; write a text in quotes',
  ],
  [
    'an interval',
    secret(issuer, stores, '  every: monthly'),
    '6:10 `every` does not fit; write a duration such as `90d`, `quarterly`, `annually`, `never`, or a cron expression such as `0 3 1 * *`',
  ],
  [
    'a trigger',
    secret(issuer, stores, '  on: [expired, a]'),
    '6:8 this is no trigger and no other secret; write `expiry` (did you mean that? one of `compromise`, `expiry`, `provider-change`)',
    '6:17 this is no trigger and no other secret; write one of `compromise`, `expiry`, `provider-change`',
  ],
  [
    'the name of a secret',
    'version: 1\nsystem: s\nsecrets:\n  a b:\n',
    '4:3 this cannot be the name of a secret; write letters, digits, `.`, `_` and `-`, 64 at most, a letter or digit first',
    '4:3 `a b` is empty; write a map with `issuer` and `stores`',
  ],
  ['no secret', 'version: 1\nsystem: s\nsecrets: {}\n', '3:10 `secrets` is empty; write one secret at least'],
  ['no store', secret(issuer, '  stores: []'), '5:11 `stores` is empty; write one entry at least'],
  [
    'another version',
    secret(issuer, stores).replace('version: 1', 'version: "1"'),
    '1:10 `version` has a value that is not known; write `1`',
  ],
  [
    'defaults',
    `defaults: { ready: 1min, grce: 1h }\n${secret(issuer, stores)}`,
    '1:20 `ready` does not fit; write a duration such as `250ms`, `30s`, `10m`',
    '1:26 `grce` is not a key that is known here; write `grace` (did you mean that?)',
  ],
]

const blocks: readonly Row[] = [
  [
    'an unknown connector',
    secret('  issuer: { use: bass },', stores),
    '4:18 there is no connector `bass`; write `base` (did you mean that? one of `base`, `dice`)',
  ],
  [
    'a connector of another family',
    secret(issuer, '  stores: [ { use: base, file: .env, bind: { K: "{password}" } } ]'),
    '5:20 `base` cannot be used as a store; write `envfile`',
  ],
  [
    'no connector',
    secret('  issuer: { role: r },', stores, '  consumers: [ service, { wave: [] }, { wave: [ { pid: x } ], also: 1 } ]'),
    '4:3 `use` is missing; write `use: ...`: one of `base`, `dice`',
    '6:16 item 1 is a text; write a map such as `{ use: ... }`',
    '6:33 `wave` is empty; write one entry at least',
    '6:49 `use` is missing; write `use: ...`: `service`',
    '6:63 `also` is not a key that is known here; write one of `wave`, `pause`, `checks`',
  ],
  [
    'an unknown strategy',
    secret(issuer.replace('in-place', 'inplace'), stores),
    '4:62 `base` cannot carry this strategy out; write `in-place` (did you mean that? one of `alternate`, `in-place`)',
  ],
  [
    'a strategy that the connector cannot do',
    secret('  issuer: { use: dice, strategy: alternate },', stores.replace('password', 'value')),
    '4:34 `dice` cannot carry this strategy out; write `in-place`',
  ],
  [
    "a key in the connector's configuration",
    secret(issuer.replace(' }', ', rle: x, nodes: [ { hots: h }, { host: i, port: 70000 } ] }'), stores),
    '4:72 `rle` is not a key that is known here; write `role` (did you mean that? one of `admin`, `role`, `nodes`, `strategy`, `use`)',
    '4:89 `host` is missing; write `host: ...` (Name)',
    '4:91 `hots` is not a key that is known here; write `host` (did you mean that? one of `host`, `port`)',
    '4:119 `port` is too big; write at most 65535',
  ],
  [
    "an alternative in the connector's configuration",
    secret(issuer, stores, '  checks: [ { use: look, url: u, show: { baerer: t } }, { use: look, url: u, show: 3 } ]'),
    '6:34 `basic` is missing; write `basic: true`',
    '6:42 `baerer` is not a key that is known here; write `bearer` (did you mean that? one of `basic`, `bearer`)',
    '6:84 `show` is a number; write a map',
  ],
  [
    'a check of the system that takes a credential',
    `${secret(issuer, stores)}preflight: [ { use: look, url: u, as: new, within: 0s } ]\n`,
    '7:35 `as` is not a key that is known here; write one of `url`, `status`, `show`, `use`, `within`, `for`',
    '7:52 `within` does not fit; write a duration such as `250ms`, `30s`, `10m`',
  ],
  [
    "the issuer's attest",
    secret(
      issuer,
      stores,
      '  consumers: [ { use: service, pid: p, attest: { use: issuer } }, { use: service, pid: p, attest: { use: issuer, application: "{nme}" } }, { use: service, pid: p, attest: { use: isuer } } ]',
    ),
    "6:40 `application` is missing; write `application: ...` (The application name that an instance shows in the issuer's session list; `{name}` is the instance's name)",
    '6:127 an application is named by the instance only; write `{name}` where the name of the instance belongs',
    '6:179 there is no connector `isuer`; write `issuer` (did you mean that? one of `issuer`, `look`)',
  ],
  [
    "the issuer's attest anywhere else",
    secret(issuer, stores, '  checks: [ { use: issuer, application: x } ]'),
    '6:20 there is no connector `issuer`; write `look`',
  ],
]

const bindings: readonly Row[] = [
  [
    'an unknown field',
    secret(issuer, stores.replace('{password}', 'x://{usr}:{password}@h')),
    '5:52 the issuer has no field `usr`; write `user` (did you mean that? one of `user`, `password`)',
  ],
  [
    'an unknown field of a URL',
    secret(issuer, stores.replace('"{password}"', '{ url: { user, password: passwd } }')),
    '5:77 the issuer has no field `passwd`; write `password` (did you mean that? one of `user`, `password`)',
  ],
  [
    'no field',
    secret(issuer, stores.replace('{password}', 'x')),
    '5:52 the template has no field; write `{user}` or `{password}` where the field belongs',
  ],
  [
    'braces without quotes',
    secret(issuer, stores.replace('"{password}"', '{password}')),
    '5:52 `K` is a map, for its braces are not in quotes; write `"{password}"`',
  ],
  [
    'a lone brace',
    secret(issuer, stores.replace('{password}', '{{{password}}')),
    '5:52 the template has a brace that is no field; write `{{` or `}}` for a brace, `{name}` for a field',
  ],
  [
    'fields that touch',
    secret(issuer, stores.replace('{password}', '{user}{password}')),
    '5:52 two fields touch in the template; write some text between them',
  ],
  [
    'a reference',
    secret(issuer, stores.replace('{password}', '${env:A}{password}')),
    '5:52 a template takes no reference; write a field such as `{password}`, or the text itself',
  ],
  [
    'nothing bound',
    secret(issuer, stores.replace('K: "{password}"', '')),
    '5:47 `bind` is empty; write `KEY: "{field}"` for each key of the store',
  ],
  [
    'no bind',
    secret(issuer, '  stores: [ { use: envfile, file: .env } ]'),
    '5:13 `bind` is missing; write `bind: ...` (How the fields sit in the store, by key)',
  ],
  ['a number', secret(issuer, stores.replace('"{password}"', '5')), '5:52 `K` is a number; write a text in quotes or a map'],
  [
    'a field that no store carries',
    secret(issuer, stores.replace('password', 'user')),
    '5:3 no store carries the field `password`; write `{password}` in the `bind` of a store',
  ],
  [
    'under alternate, the user that no store carries',
    secret(issuer.replace('in-place', 'alternate'), stores),
    '5:3 no store carries the field `user`, and it changes under `alternate`; write `{user}` in the `bind` of a store',
  ],
  [
    'a store that is an example (S0-05)',
    secret(issuer, stores.replace('.env', 'config/.env.example')),
    '5:35 an example is no store: everybody reads it; write the file that is really used',
  ],
]

const admin = (text: string): string => secret(issuer.replace('${env:A}', text), stores)
const inClear = 'stands here in the clear; write `${env:NAME}` or `${file:PATH}` in its place'
const literals: readonly Row[] = [
  ['where a reference is required', admin(literal), '4:31 `admin` is a literal secret; write `${env:NAME}`'],
  ['a variable without its scheme', admin('${PG_ADMIN}'), '4:31 `admin` is no reference; write a reference such as `${env:PG_ADMIN}`'],
  ['the bare name of a variable', admin('PG_ADMIN_URL'), '4:31 `admin` is no reference; write a reference such as `${env:PG_ADMIN_URL}`'],
  ['a word that may be a value', admin('$Hunter2'), '4:31 `admin` is a literal secret; write `${env:NAME}`'],
  ['an unknown scheme', admin('${vault:kv/admin}'), '4:31 there is no reference `${vault:...}`; write one of `env`, `exec`'],
  ['no name of a variable', admin('${env:PG ADMIN}'), '4:31 `admin` does not fit; write the name of an environment variable, such as `${env:PG_ADMIN_URL}`'],
  [
    'a command for a shell, beside a reference that is right',
    admin('${env:U}:${exec:pass show x | head}'),
    "4:31 `admin` does not fit; write quotes around `|`, `&`, `;`, `<`, `>`, `$` and backticks: no shell reads them; where one has to, `sh -c '...'`",
  ],
  [
    'a token in the argument of a command',
    admin(`\${exec:get --key ghp_${literal}}`),
    `4:31 a token ${inClear}`,
  ],
  ['a URL with a password', admin(`postgres://admin:${literal}@db/postgres`), `4:31 a URL with a password ${inClear}`],
  [
    'a URL with a password beside a reference',
    admin(`postgres://\${env:U}:${literal}@\${env:HOST}/postgres`),
    `4:31 a URL with a password ${inClear}`,
  ],
  [
    'a URL with a password in a template',
    secret(issuer, stores.replace('{password}', `x://{user}:${literal}@h/{password}`)),
    '5:52 a URL with a password stands here in the clear; write `{password}` where the field belongs',
  ],
  [
    'a private key anywhere',
    secret(issuer, stores, `  impact: "-----BEGIN PRIVATE KEY----- ${literal}"`),
    `6:11 a private key ${inClear}`,
  ],
  [
    'a token of a provider anywhere',
    secret(issuer, stores, `  checks: [ { use: look, url: "http://h/?t=ghp_${literal}" } ]`),
    `6:31 a token ${inClear}`,
  ],
  [
    'a password in an argument anywhere',
    secret(issuer, stores, `  impact: "host=h password=${literal}"`),
    `6:11 a password ${inClear}`,
  ],
]

describe.each([
  ['YAML syntax', syntax],
  ['the shape', shape],
  ['a block', blocks],
  ['a binding', bindings],
  ['a literal secret (S0-04, X-14)', literals],
] as const)('a problem in %s is placed by line and column, says what is wrong and what to write (X-15):', (_, rows) => {
  it.each<Row>(rows)('%s', async (_name, text, ...problems) => {
    const failure = await failureOf(text)
    expect(failure.code).toBe('MANIFEST_INVALID')
    expect(failure.about.split('\n')).toEqual(problems.map((problem) => `keyturn.yaml:${problem}`))
    expect(failure.problems?.map(({ place, what, write }) => `${place.line}:${place.column} ${what}; write ${write}`)).toEqual(
      problems,
    )
    expect(`${failure.message}${JSON.stringify(failure.problems)}`).not.toContain(literal)
  })
})

it('names the problems of all secrets at once, in the order of the file (X-15)', async () => {
  const one = '    issuer: { use: dice, lngth: 1 }\n    stores: [ { use: envfile, file: .env, bind: { K: "{vale}" } } ]\n'
  const lines = (await failureOf(`version: 1\nsecrets:\n  a:\n${one}  b:\n${one}preflight: [ { use: nothing-like-it } ]\n`)).about.split(
    '\n',
  )
  expect(lines.map((line) => line.split(' ')[0])).toEqual(
    ['1:1', '4:26', '5:54', '7:26', '8:54', '9:21'].map((at) => `keyturn.yaml:${at}`),
  )
})

it('does not repeat a word of the file that is no name', async () => {
  for (const text of [
    secret(`  issuer: { use: "${literal} ${literal}" },`, stores),
    secret(issuer, stores, `  lifecycle: ${literal}`),
    `version: 1\nsystem: "\\q${literal}"\n`,
  ]) {
    expect((await failureOf(text)).message).not.toContain(literal)
  }
})
