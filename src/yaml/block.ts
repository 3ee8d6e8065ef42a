import type { z } from 'zod'
import type { ConnectorManifest, Family } from '../kit/index.ts'
import { nameOf, typeOf, valueAt } from './explain.ts'
import type { Used } from '../manifest/model.ts'
import { suggest } from './nearest.ts'
import { asMap, report, validate, type Reading } from './reading.ts'
import { hasReference, referencesOf, schemesOf } from '../manifest/reference.ts'
import { engineKeys } from './schema.ts'
import { takesReference, type Shape } from './shape.ts'
import type { Path } from './source.ts'
import { literalSecret } from './literal.ts'

type EngineKeys = typeof engineKeys
type Kind = keyof EngineKeys

const familyOf: { readonly [K in Kind]: Family } = {
  sealing: 'sealer',
  notifier: 'notifier',
  issuer: 'issuer',
  store: 'store',
  consumer: 'consumer',
  attest: 'attestor',
  check: 'check',
  preflight: 'check',
}

/** What is certainly the name of a variable, `PG_ADMIN_URL` or `${PG_ADMIN_URL}`: only then it is repeated in a message. */
const VARIABLE = /^\$?\{?([A-Z]{2,12}(?:_[A-Z]{2,12}){1,4})\}?$/

/** A block as it stands, before its configuration is validated. */
export interface Block<K extends Kind> {
  readonly use: string
  readonly connector: ConnectorManifest
  readonly schema: z.ZodType
  /** The engine's keys; undefined when they have problems. */
  readonly engine: z.output<EngineKeys[K]> | undefined
  /** The connector's keys as written. */
  readonly config: Readonly<Record<string, unknown>>
}

/** Reads `use` and the engine's keys of a block; reports what is wrong and answers undefined when no connector is known. */
export function openBlock<K extends Kind>(reading: Reading, kind: K, path: Path): Block<K> | undefined {
  const value = valueAt(reading.source.value, path)
  const map = asMap(value)
  if (map === undefined) {
    report(reading, path, 'value', `${nameOf(path)} is ${typeOf(value)}`, 'a map such as `{ use: ... }`')
    return undefined
  }
  const own = Object.keys(engineKeys[kind].shape)
  const pick = (wanted: boolean) =>
    Object.fromEntries(Object.entries(map).filter(([key]) => key !== 'use' && own.includes(key) === wanted))
  const engine = validate(reading, engineKeys[kind], path, pick(true)) as z.output<EngineKeys[K]> | undefined
  const family = familyOf[kind]
  const known = Object.entries(reading.registry).flatMap(([id, { manifest }]) =>
    manifest.families[family] === undefined ? [] : [id],
  )
  const words = kind === 'attest' ? ['issuer', ...known] : known
  const { use } = map
  if (typeof use !== 'string') {
    if (use === undefined) report(reading, [...path, 'use'], 'key', '`use` is missing', `\`use: ...\`: ${suggest('', words)}`)
    else report(reading, [...path, 'use'], 'value', `\`use\` is ${typeOf(use)}`, suggest('', words))
    return undefined
  }
  const connector = Object.hasOwn(reading.registry, use) ? reading.registry[use]?.manifest : undefined
  const schema = connector?.families[family]
  if (connector === undefined || schema === undefined) {
    const what =
      connector === undefined ? `there is no connector ${quote(use)}` : `\`${use}\` cannot be used as ${article(family)}`
    report(reading, [...path, 'use'], 'value', what, suggest(use, words))
    return undefined
  }
  return { use, connector, schema, engine, config: pick(false) }
}

/** Validates the configuration of a block by its connector's schema; reports what is wrong and answers undefined then. */
export function closeBlock(
  reading: Reading,
  kind: Kind,
  path: Path,
  block: Block<Kind>,
  config: Readonly<Record<string, unknown>> = block.config,
): Used | undefined {
  const shape = reading.shape(block.schema)
  const before = reading.problems.length
  findLiterals(reading, shape, path, [], block.config)
  const valid = validate(reading, block.schema, path, config, ['use', ...Object.keys(engineKeys[kind].shape)])
  if (valid === undefined || reading.problems.length > before) return undefined
  return { use: block.use, config: asMap(valid) ?? {}, place: reading.source.at(path) }
}

/** Reports values where only a reference may stand, and references that nothing can resolve. */
function findLiterals(reading: Reading, shape: Shape, base: Path, path: Path, value: unknown): void {
  if (value !== null && typeof value === 'object') {
    for (const [key, child] of Object.entries(value)) {
      findLiterals(reading, shape, base, [...path, Array.isArray(value) ? Number(key) : key], child)
    }
    return
  }
  const at = [...base, ...path]
  const marked = takesReference(shape, path)
  if (typeof value !== 'string') {
    if (marked && typeof value === 'number') report(reading, at, 'value', `${nameOf(at)} is a literal secret`, '`${env:NAME}`')
    return
  }
  reportReferences(reading, at, value)
  if (!marked || hasReference(value) || literalSecret(value) !== undefined) return
  const variable = VARIABLE.exec(value)?.[1]
  if (variable === undefined) report(reading, at, 'value', `${nameOf(at)} is a literal secret`, '`${env:NAME}`')
  else report(reading, at, 'value', `${nameOf(at)} is no reference`, `a reference such as \`\${env:${variable}}\``)
}

/** Reports the references of a text that nothing can resolve. */
export function reportReferences(reading: Reading, at: Path, text: string): void {
  for (const { scheme, name } of referencesOf(text)) {
    const names = Object.hasOwn(reading.registry, scheme) ? reading.registry[scheme]?.manifest.families.reference : undefined
    if (names !== undefined) validate(reading, names, at, name)
    else report(reading, at, 'value', `there is no reference \`\${${scheme}:...}\``, suggest(scheme, schemesOf(reading.registry)))
  }
}

function article(family: Family): string {
  return /^[aeiou]/.test(family) ? `an ${family}` : `a ${family}`
}

/** Only what looks like a word is repeated in a message. */
function quote(use: string): string {
  return /^[a-z][\w-]{0,30}$/i.test(use) ? `\`${use}\`` : 'of that name'
}
