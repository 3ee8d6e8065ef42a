import { type Age, type Entry, entryVariable, type Instruction, variable, word } from '../by-hand/index.ts'
import { fieldsOfBinding, isUrl } from '../manifest/binding.ts'
import type { Binding, StoreSpec } from '../manifest/model.ts'
import { parseTemplate } from '../manifest/template.ts'

/** The keys of a store with the variables for what stands under them. Pure. */
export function entriesOf(age: Age, store: number, { bind }: StoreSpec): readonly Entry[] {
  return inUse(bind).map(([key]) => ({ key, variable: entryVariable(age, store, key) }))
}

/** The keys that hold the credential in use, and nothing else: what there is beside them, while two are accepted, is in keys.ts. */
function inUse(bind: StoreSpec['bind']): readonly (readonly [key: string, binding: Binding])[] {
  return Object.entries(bind).filter(([, { slot }]) => slot === undefined)
}

/** What stands under a key, for people. Pure. */
export function holds(binding: Binding): string {
  if (binding.slot === 'jwks') return 'a JSON Web Key Set of all that are accepted'
  if (binding.slot !== undefined) return `nothing, but while two are accepted the ${binding.slot === 'previous' ? 'other' : binding.slot} one`
  if ('template' in binding) return `\`${binding.template}\`${isUrl(binding.template) ? ', fields percent-encoded' : ''}`
  const { user, password } = binding.url
  return `a URL of which only ${user === undefined ? '' : `the user (\`${user}\`) and `}the password (\`${password}\`) change, percent-encoded`
}

/** Takes the fields out of what the stores hold, and sees that all of them hold the same. Pure. */
export function takeFields(stores: readonly StoreSpec[]): Instruction | undefined {
  const taken = new Set<string>()
  const lines = stores.flatMap(({ bind }, store) =>
    inUse(bind).flatMap(([key, binding]) => {
      const fields = fieldsOfBinding(binding)
      const into = (field: string): string => (taken.has(field) ? `SEEN_${variable('OLD', field).slice(4)}` : variable('OLD', field))
      const named = fields.map((field) => [field, into(field)] as const)
      const own = takeOne(binding, entryVariable('OLD', store, key), new Map(named))
      const compared = named.filter(([, name]) => name.startsWith('SEEN_')).map(([field, name]) => `[ "$${name}" = "$${variable('OLD', field)}" ] || same=no`)
      for (const field of fields) taken.add(field)
      return [...own, ...compared]
    }),
  )
  if (taken.size === 0) return undefined
  const filled = [...taken].map((field) => `[ -n "$${variable('OLD', field)}" ]`).join(' && ')
  return {
    says: `Take ${[...taken].map((field) => `\`${field}\``).join(' and ')} out of what is there. If the places differ, stop: one of them is not in use, or somebody has changed one of them alone.`,
    run: `same=yes\n${lines.join('\n')}\nif [ $same = yes ] && ${filled}; then echo taken; else echo 'the places differ, or something else stands there'; fi`,
    prints: 'taken',
  }
}

function takeOne(binding: Binding, from: string, names: ReadonlyMap<string, string>): readonly string[] {
  const into = (field: string, inUrl: boolean): string => `${names.get(field) ?? 'SEEN'}=${inUrl ? '$(decode "$part")' : '$part'}`
  if ('url' in binding) {
    const { user, password } = binding.url
    return [
      `rest=\${${from}#*://} rest=\${rest%%[/?#]*} rest=\${rest%@*}`,
      ...(user === undefined ? [] : [`part=\${rest%%:*}; ${into(user, true)}`]),
      `part=\${rest#*:}; ${into(password, true)}`,
    ]
  }
  const parsed = parseTemplate(binding.template)
  if ('fault' in parsed) return []
  const inUrl = isUrl(binding.template)
  const lines = [`rest=$${from}`]
  for (const [index, part] of parsed.parts.entries()) {
    if ('text' in part) {
      if (index === 0) lines.push(`rest=\${rest#${quoted(part.text)}}`)
      continue
    }
    const after = parsed.parts[index + 1]
    const last = index + 2 >= parsed.parts.length
    if (after === undefined || !('text' in after)) lines.push(`part=$rest; ${into(part.field, inUrl)}`)
    else if (last) lines.push(`part=\${rest%${quoted(after.text)}}; ${into(part.field, inUrl)}`)
    else lines.push(`part=\${rest%%${quoted(after.text)}*} rest=\${rest#*${quoted(after.text)}}; ${into(part.field, inUrl)}`)
  }
  return lines
}

/** Puts together what the stores are to hold. Pure. */
export function renderEntries(stores: readonly StoreSpec[]): Instruction {
  const lines = stores.flatMap(({ bind }, store) => inUse(bind).flatMap(([key, binding]) => renderOne(binding, store, key)))
  const filled = stores.flatMap((spec, store) => entriesOf('NEW', store, spec).map((entry) => `[ -n "$${entry.variable}" ]`))
  return { says: 'Put together what the stores are to hold.', run: `${lines.join('\n')}\n${filled.join(' && ')} && echo ready`, prints: 'ready' }
}

/** What a key holds when it shows a credential, as one word of the shell. Pure; for a binding that is a template. */
export function rendered(binding: Binding, age: Age): string {
  if ('url' in binding) return ''
  const parsed = parseTemplate(binding.template)
  const parts = 'fault' in parsed ? [] : parsed.parts
  const put = (field: string): string => (isUrl(binding.template) ? `"$(encode "$${variable(age, field)}")"` : `"$${variable(age, field)}"`)
  return parts.map((part) => ('text' in part ? word(part.text) : put(part.field))).join('')
}

function renderOne(binding: Binding, store: number, key: string): readonly string[] {
  const [fresh, old] = [entryVariable('NEW', store, key), entryVariable('OLD', store, key)]
  const put = (field: string, inUrl: boolean): string => (inUrl ? `"$(encode "$${variable('NEW', field)}")"` : `"$${variable('NEW', field)}"`)
  if ('url' in binding) {
    const { user, password } = binding.url
    return [
      `rest=\${${old}#*://} authority=\${rest%%[/?#]*}`,
      `${fresh}=\${${old}%%://*}://${user === undefined ? '${authority%%:*}' : put(user, true)}:${put(password, true)}@\${authority##*@}\${rest#"$authority"}`,
    ]
  }
  return [`${fresh}=${rendered(binding, 'NEW')}`]
}

/** Quoted whatever it is: in a pattern most characters mean something. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
