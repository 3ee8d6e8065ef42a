import { isExample } from '../outside/file/index.ts'
import { nameOf, valueAt } from './explain.ts'
import { closeBlock, openBlock } from './block.ts'
import type { Binding, Slot, StoreSpec } from '../manifest/model.ts'
import { suggest } from './nearest.ts'
import { asMap, report, validate, type Reading } from './reading.ts'
import { bindingSchema } from './schema.ts'
import type { Path } from './source.ts'
import { fieldsOf, parseTemplate } from '../manifest/template.ts'

/** Reads one store of a secret whose issuer has these fields; undefined when they are not known. */
export function readStore(reading: Reading, path: Path, fields: readonly string[] | undefined): StoreSpec | undefined {
  const block = openBlock(reading, 'store', path)
  const bind = readBind(reading, [...path, 'bind'], fields)
  if (block === undefined) return undefined
  const used = closeBlock(reading, 'store', path, block)
  if (used !== undefined && typeof used.config.file === 'string') {
    const { file } = used.config
    const place = [...path, 'file']
    if (isExample(file))
      report(reading, place, 'value', 'an example is no store: everybody reads it', 'the file that is really used')
    else reading.files.push({ file, place: reading.source.at(place) })
  }
  if (used === undefined || bind === undefined) return undefined
  return { ...used, bind }
}

function readBind(reading: Reading, path: Path, fields: readonly string[] | undefined): Record<string, Binding> | undefined {
  const map = asMap(valueAt(reading.source.value, path))
  if (map === undefined) return undefined // reported with the engine's keys of the block
  if (Object.keys(map).length === 0)
    report(reading, path, 'value', '`bind` is empty', '`KEY: "{field}"` for each key of the store')
  const bind: Record<string, Binding> = {}
  for (const [key, value] of Object.entries(map)) {
    const binding = readBinding(reading, [...path, key], value, fields)
    if (binding !== undefined) bind[key] = binding
  }
  return bind
}

function readBinding(reading: Reading, path: Path, value: unknown, fields: readonly string[] | undefined): Binding | undefined {
  const only = Object.entries(asMap(value) ?? {})
  const bare = only.length === 1 && only[0]?.[1] === null && !['url', ...SLOTS].includes(only[0][0]) ? only[0][0] : undefined
  if (bare !== undefined) {
    report(reading, path, 'value', `${nameOf(path)} is a map, for its braces are not in quotes`, `\`"{${bare}}"\``)
    return undefined
  }
  const valid = validate(reading, bindingSchema, path, value)
  if (valid === undefined) return undefined
  if (typeof valid === 'string') return readTemplate(reading, path, valid, fields)
  if (!('url' in valid)) return readSlot(reading, path, valid, fields)
  if (typeof valid.url === 'string') {
    return hasField(reading, [...path, 'url'], valid.url, fields) ? { url: { password: valid.url } } : undefined
  }
  const { user, password } = valid.url
  const at = [...path, 'url']
  const url = { ...(user === undefined ? {} : { user: user ?? 'user' }), password: password ?? 'password' }
  const known = Object.entries(url).map(([key, name]) => hasField(reading, [...at, key], name, fields))
  return known.every(Boolean) ? { url } : undefined
}

/** The words of a binding that holds another credential than the one in use, or both. */
export const SLOTS = ['previous', 'new', 'old', 'jwks'] as const

type Slotted = { readonly [K in Slot]?: string } & { readonly empty?: true | undefined }

function readSlot(reading: Reading, path: Path, written: Slotted, fields: readonly string[] | undefined): Binding | undefined {
  const slot = SLOTS.find((word) => written[word] !== undefined)
  const text = slot === undefined ? undefined : written[slot]
  if (slot === undefined || text === undefined) return undefined
  const binding = readTemplate(reading, [...path, slot], text, fields)
  const alone = fieldsOf(text).length === 1 && text === `{${fieldsOf(text)[0]}}`
  if (slot === 'jwks' && binding !== undefined && !alone) {
    report(reading, [...path, slot], 'value', 'a key set is made of one field', `\`"{jwk}"\``)
    return undefined
  }
  return binding === undefined ? undefined : { ...binding, slot, ...(written.empty === true ? { empty: true } : {}) }
}

function readTemplate(
  reading: Reading,
  path: Path,
  template: string,
  fields: readonly string[] | undefined,
): Binding | undefined {
  const parsed = parseTemplate(template)
  if ('fault' in parsed) {
    report(reading, path, 'value', parsed.fault.what, parsed.fault.write)
    return undefined
  }
  const named = fieldsOf(template)
  if (named.length === 0) {
    const write = (fields ?? ['password']).map((field) => `\`{${field}}\``).join(' or ')
    report(reading, path, 'value', 'the template has no field', `${write} where the field belongs`)
    return undefined
  }
  const known = named.map((name) => hasField(reading, path, name, fields))
  return known.every(Boolean) ? { template } : undefined
}

function hasField(reading: Reading, path: Path, name: string, fields: readonly string[] | undefined): boolean {
  if (fields === undefined || fields.includes(name)) return true
  report(reading, path, 'value', `the issuer has no field \`${name}\``, suggest(name, fields))
  return false
}
