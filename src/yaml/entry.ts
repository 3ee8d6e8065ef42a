import type { z } from 'zod'
import { durationOf } from '../kit/duration.ts'
import type { ConnectorManifest, Strategy } from '../kit/index.ts'
import { fieldsOfBinding } from '../manifest/binding.ts'
import type { SecretSpec, StoreSpec, Used } from '../manifest/model.ts'
import { secretName, secretSchema, type defaultsSchema } from './schema.ts'
import { closeBlock, openBlock } from './block.ts'
import { readCheck } from './check.ts'
import { readWave, readWaveChecks } from './consumer.ts'
import { typeOf, valueAt } from './explain.ts'
import { suggest } from './nearest.ts'
import { asList, asMap, report, validate, type Reading } from './reading.ts'
import type { Path } from './source.ts'
import { checkKeys } from './keys.ts'
import { readSecretSchedule } from './schedule.ts'
import { readStore } from './store.ts'
import { expiresOf, timingOf } from './timing.ts'

const triggers = ['compromise', 'expiry', 'provider-change']

/** Reads one entry of `secrets`; reports all that is wrong in it and answers undefined then. */
export function readEntry(reading: Reading, name: string, defaults: z.output<typeof defaultsSchema>): SecretSpec | undefined {
  const path = ['secrets', name]
  const before = reading.problems.length
  if (!secretName.test(name)) {
    report(
      reading,
      path,
      'key',
      'this cannot be the name of a secret',
      'letters, digits, `.`, `_` and `-`, 64 at most, a letter or digit first',
    )
  }
  const map = asMap(valueAt(reading.source.value, path))
  if (map === undefined) {
    report(
      reading,
      path,
      'value',
      `\`${name}\` is ${typeOf(valueAt(reading.source.value, path))}`,
      'a map with `issuer` and `stores`',
    )
    return undefined
  }
  const written = validate(reading, secretSchema, path)
  const issuer = 'issuer' in map ? readIssuer(reading, [...path, 'issuer']) : undefined
  const fields = issuer?.fields === undefined ? undefined : Object.keys(issuer.fields)
  const stores = asList(map.stores).map((_, index) => readStore(reading, [...path, 'stores', index], fields))
  const waves = asList(map.consumers).map((_, index) => readWave(reading, [...path, 'consumers', index]))
  const checks = [
    ...asList(map.checks).map((_, index) => readCheck(reading, 'check', [...path, 'checks', index])),
    ...readWaveChecks(reading, [...path, 'consumers'], asList(map.consumers)),
  ]
  checkTriggers(reading, [...path, 'on'], name, asList(map.on))
  const schedule = written?.schedule === undefined ? undefined : readSecretSchedule(reading, [...path, 'schedule'], written.schedule)
  if (issuer?.strategy !== undefined && reading.problems.length === before) {
    checkCarried(
      reading,
      path,
      issuer.fields ?? {},
      issuer.strategy,
      stores.filter((store) => store !== undefined),
    )
  }
  if (written !== undefined && issuer?.strategy === 'hard-cut' && (written.impact ?? 'none') === 'none') {
    const at = written.impact === undefined ? path : [...path, 'impact']
    report(reading, at, 'value', 'a hard cut is felt', '`impact:` with what users will feel, such as `everybody is logged out`')
  }
  if (written?.notice !== undefined && (written.impact ?? 'none') === 'none') {
    report(reading, [...path, 'notice'], 'key', 'nobody feels a rotation of this secret, so there is nothing to be told ahead', '`impact:` with what users will feel, or no `notice`')
  }
  const timing = timingOf(written ?? {}, defaults, issuer?.strategy)
  if (written !== undefined && issuer?.strategy !== undefined && reading.problems.length === before) {
    checkKeys(reading, path, { written, strategy: issuer.strategy, timing, bindings: stores.flatMap((store) => Object.values(store?.bind ?? {})), defaults })
  }
  if (written === undefined || issuer?.used === undefined || issuer.strategy === undefined || reading.problems.length > before)
    return undefined
  const owner = written.owner ?? defaults.owner
  const every = written.every ?? defaults.every
  const notify = written.notify ?? defaults.notify
  return {
    name,
    place: reading.source.key(path),
    ...(owner === undefined ? {} : { owner }),
    lifecycle: written.lifecycle ?? 'active',
    ...(every === undefined ? {} : { every }),
    ...(written.on === undefined ? {} : { on: written.on }),
    ...(written.tags === undefined ? {} : { tags: written.tags }),
    ...expiresOf(written.expires ?? defaults.expires),
    ...(notify === undefined ? {} : { notify }),
    ...(written.notice === undefined ? {} : { notice: { before: durationOf(written.notice.before), to: written.notice.to } }),
    impact: written.impact ?? 'none',
    strategy: issuer.strategy,
    issuer: issuer.used,
    stores: stores.filter((store) => store !== undefined),
    waves,
    checks: checks.filter((check) => check !== undefined),
    timing,
    ...(schedule === undefined ? {} : { schedule }),
  }
}

type FieldKinds = Exclude<ConnectorManifest['fields'], 'configured' | undefined>

interface IssuerEntry {
  /** The fields of its credentials; undefined when its configuration is to name them and does not fit. */
  readonly fields: FieldKinds | undefined
  readonly strategy: Strategy | undefined
  readonly used: Used | undefined
}

function readIssuer(reading: Reading, path: Path): IssuerEntry | undefined {
  const block = openBlock(reading, 'issuer', path)
  if (block === undefined) return undefined
  const able = block.connector.strategies ?? ['in-place']
  const wanted = block.engine?.strategy
  const strategy = wanted === undefined ? able[0] : able.find((each) => each === wanted)
  if (strategy === undefined) {
    report(
      reading,
      [...path, 'strategy'],
      'value',
      `\`${block.use}\` cannot carry this strategy out`,
      suggest(wanted ?? '', able),
    )
  }
  const takesStrategy = Object.hasOwn(reading.shape(block.schema).properties ?? {}, 'strategy')
  const config = takesStrategy ? { ...block.config, strategy: strategy ?? able[0] } : block.config
  const used = closeBlock(reading, 'issuer', path, block, config)
  const { fields } = block.connector
  return { fields: fields === 'configured' ? configuredFields(used) : fields, strategy, used }
}

/** What the configuration says under `fields`; its schema has validated it. */
function configuredFields(used: Used | undefined): FieldKinds | undefined {
  if (used === undefined) return undefined
  const named = Object.entries(asMap(used.config['fields']) ?? {})
  return Object.fromEntries(named.map(([name, kind]) => [name, kind === 'plain' ? kind : 'secret']))
}

function checkTriggers(reading: Reading, path: Path, own: string, on: readonly unknown[]): void {
  if (on.length === 0) return
  const secrets = Object.keys(asMap(valueAt(reading.source.value, ['secrets'])) ?? {}).filter((name) => name !== own)
  for (const [index, word] of on.entries()) {
    if (typeof word !== 'string' || triggers.includes(word) || secrets.includes(word)) continue
    report(reading, [...path, index], 'value', 'this is no trigger and no other secret', suggest(word, [...triggers, ...secrets]))
  }
}

/** Where the id changes the plain fields change too: one that no store carries would never reach the consumers. */
function checkCarried(
  reading: Reading,
  path: Path,
  fields: FieldKinds,
  strategy: Strategy,
  stores: readonly StoreSpec[],
): void {
  const carried = new Set(stores.flatMap((store) => Object.values(store.bind).flatMap(fieldsOfBinding)))
  for (const [field, kind] of Object.entries(fields)) {
    if (carried.has(field) || (kind === 'plain' && (strategy === 'in-place' || strategy === 'hard-cut' || strategy === 'dual-key'))) continue
    const why = kind === 'plain' ? `, and it changes under \`${strategy}\`` : ''
    report(
      reading,
      [...path, 'stores'],
      'key',
      `no store carries the field \`${field}\`${why}`,
      `\`{${field}}\` in the \`bind\` of a store`,
    )
  }
}
