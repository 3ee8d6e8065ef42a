import { type Call, type Fields, type Host, KeyturnError, type Registry, type Secret } from '../kit/index.ts'
import { fieldsOfBinding, readBinding } from '../manifest/binding.ts'
import type { Binding, Manifest, SecretSpec } from '../manifest/model.ts'
import { openConnector } from '../steps/cast.ts'
import { secretOf } from '../engine/rotate.ts'
import { plainFields } from '../steps/values.ts'
import { demand } from '../steps/world.ts'

/** What a command is handed. */
export interface Choice {
  /** Names of secrets whose values go under the keys of their stores; all that have values when absent. */
  readonly only?: readonly string[]
  /** Single fields under names of one's own. */
  readonly as: readonly Mapping[]
}

/** `PGPASSWORD=database.password`. */
export interface Mapping {
  readonly key: string
  readonly secret: string
  readonly field: string
}

/** Variables for a command, and what of them must not be seen. */
export interface HandedOver {
  readonly variables: ReadonlyMap<string, Secret>
  /** Every value, and every secret field inside of one. */
  readonly concealed: readonly Secret[]
  /** What somebody should know, in words. */
  readonly notices: readonly string[]
}

/** What reading needs of an engine. */
export interface Reader {
  readonly registry: Registry
  readonly host: (base: string) => Host
}

const VARIABLE = /^[A-Za-z_]\w*$/

/** Reads `KEY=SECRET.FIELD`; a name of a secret may have dots in it, that of a field has none. Throws USAGE. */
export function mappingOf(text: string): Mapping {
  const { key, secret, field } = /^(?<key>[^=]*)=(?<secret>.+)\.(?<field>[^.]+)$/.exec(text)?.groups ?? {}
  if (key === undefined || secret === undefined || field === undefined || !VARIABLE.test(key)) {
    throw new KeyturnError('USAGE', '--as takes KEY=SECRET.FIELD', { hint: 'For example `--as PGPASSWORD=database.password`; KEY is the name of a variable.' })
  }
  return { key, secret, field }
}

/**
 * Reads the values for a command from the stores, and from nothing else: no issuer is asked, no state is opened, nothing is changed.
 * During a rotation the stores of a secret may differ for a moment; then the first that has the key counts.
 * Throws SECRET_UNKNOWN, what a store refuses, and USAGE when nothing could be handed over of what was asked for by name or two
 * secrets claim one variable.
 */
export async function environmentFor(reader: Reader, manifest: Manifest, choice: Choice, call: Call): Promise<HandedOver> {
  const active = Object.values(manifest.secrets).filter(({ lifecycle }) => lifecycle !== 'future').map(({ name }) => name)
  // Whoever names single fields wants those and no others.
  const whole = choice.only ?? (choice.as.length > 0 ? [] : active)
  const read = new Map<string, SeenSecret>()
  for (const name of new Set([...whole, ...choice.as.map(({ secret }) => secret)])) {
    read.set(name, await readSecret(reader, manifest, secretOf(manifest, name), call))
  }
  const variables = new Map<string, Secret>()
  const owners = new Map<string, string>()
  const put = (key: string, value: Secret, owner: string): void => {
    const other = owners.get(key)
    if (other !== undefined && value.equals(variables.get(key)) === false) {
      throw new KeyturnError('USAGE', `${key} would come from ${other} and from ${owner}`, { hint: 'Choose with `--only`, or name one of them otherwise with `--as`.' })
    }
    variables.set(key, value)
    owners.set(key, owner)
  }
  const notices: string[] = []
  for (const name of whole) {
    const seen = read.get(name)
    for (const [key, value] of seen?.variables ?? []) put(key, value, name)
    notices.push(...(seen?.notices ?? []))
    if (seen?.variables.size !== 0) continue
    const none = `${name} has no value that is the variable of a store`
    if (choice.only !== undefined) throw new KeyturnError('USAGE', none, { hint: `Name a field of it: \`--as KEY=${name}.FIELD\`.` })
    notices.push(none)
  }
  for (const { key, secret, field } of choice.as) put(key, fieldOf(read.get(secret)?.fields ?? {}, secret, field), `${secret}.${field}`)
  return { variables, notices, concealed: [...read.values()].flatMap(({ concealed }) => concealed) }
}

interface SeenSecret {
  readonly variables: ReadonlyMap<string, Secret>
  readonly fields: Fields
  readonly concealed: readonly Secret[]
  readonly notices: readonly string[]
}

async function readSecret(reader: Reader, manifest: Manifest, secret: SecretSpec, call: Call): Promise<SeenSecret> {
  const plain = await plainOf(reader, manifest, secret)
  const variables = new Map<string, Secret>()
  const fields: Record<string, Secret> = {}
  const concealed: Secret[] = []
  const notices: string[] = []
  for (const spec of secret.stores) {
    const store = await openConnector(reader.registry, reader.host(manifest.base), 'store', spec)
    if (store.traits.read !== 'value') continue
    const { entries } = demand(await store.read(Object.keys(spec.bind), call))
    for (const [key, binding] of Object.entries(spec.bind)) {
      const value = entries[key]
      // What is there for another credential while two are accepted is no value of its own: whoever reads it finds it, or not.
      if (binding.slot !== undefined) {
        if (value === undefined) continue
        concealed.push(value)
        if (VARIABLE.test(key)) variables.set(key, value)
        continue
      }
      if (value === undefined) throw new KeyturnError('STORE_UNFIT', `${key} is not in ${store.title()}`)
      if (value.reveal().includes('\0')) throw new KeyturnError('VALUE_UNREADABLE', `${key} in ${store.title()} holds a zero byte, which no variable can`)
      if (VARIABLE.test(key) && variables.has(key) && !value.equals(variables.get(key))) notices.push(`${key} of ${secret.name} differs between its stores; the first one counts`)
      else if (VARIABLE.test(key)) variables.set(key, value)
      concealed.push(...secretsIn(binding, value, plain))
      for (const [name, part] of Object.entries(readBinding(binding, value, fieldsOfBinding(binding)) ?? {})) fields[name] ??= part
    }
  }
  return { variables, fields, concealed, notices }
}

/** From the connector's descriptor, so that no SDK is loaded for it; only where the configuration names the fields it is opened. */
async function plainOf(reader: Reader, manifest: Manifest, secret: SecretSpec): Promise<ReadonlySet<string>> {
  const declared = reader.registry[secret.issuer.use]?.manifest.fields ?? {}
  if (declared !== 'configured') return plainFields(declared)
  const issuer = await openConnector(reader.registry, reader.host(manifest.base), 'issuer', secret.issuer)
  try {
    return plainFields(issuer.traits.fields)
  } finally {
    await issuer.close()
  }
}

/** The value as a whole and its secret parts; nothing when it carries plain fields only (a user name is in every log). */
function secretsIn(binding: Binding, value: Secret, plain: ReadonlySet<string>): Secret[] {
  const names = fieldsOfBinding(binding)
  if (names.every((name) => plain.has(name))) return []
  const parts = Object.entries(readBinding(binding, value, names) ?? {})
  return [value, ...parts.filter(([name]) => !plain.has(name)).map(([, part]) => part)]
}

function fieldOf(fields: Fields, secret: string, field: string): Secret {
  const found = fields[field]
  if (found !== undefined) return found
  const known = Object.keys(fields)
  throw new KeyturnError('USAGE', `no store of ${secret} carries a field ${field}`, { hint: known.length === 0 ? 'Its stores cannot be read.' : `They carry: ${known.join(', ')}.` })
}
