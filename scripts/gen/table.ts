import type { Shape } from '../../src/yaml/shape.ts'

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '-')), ...rows.map(line)].join('\n')
}

/** The keys of a map as a table: key, what may stand there, what it is. Keys of maps inside follow with their path. */
export function keyTable(shape: Shape): string {
  return table(['Key', 'Takes', 'What it is'], rowsOf(shape, ''))
}

function rowsOf(shape: Shape, before: string): string[][] {
  const required = Array.isArray(shape.required) ? shape.required : []
  const own = Object.entries(shape.properties ?? {}).flatMap(([key, member]) => {
    const name = `${before}${key}`
    const need = required.includes(key) ? ' (required)' : ''
    const otherwise = ['string', 'number', 'boolean'].includes(typeof member.default)
      ? ` Default: \`${String(member.default)}\`.`
      : ''
    return [[`\`${name}\``, `${takes(member)}${need}`, `${member.description ?? ''}${otherwise}`], ...rowsBelow(member, name)]
  })
  return [...own, ...(shape.anyOf ?? shape.oneOf ?? []).flatMap((each) => rowsOf(each, before))]
}

function rowsBelow(member: Shape, name: string): string[][] {
  const list = member.items === undefined ? [] : rowsOf(member.items, `${name}[].`)
  const map = typeof member.additionalProperties === 'object' ? rowsOf(member.additionalProperties, `${name}.*.`) : []
  return [...rowsOf({ ...member, description: '' }, `${name}.`), ...list, ...map]
}

function takes(shape: Shape): string {
  if (typeof shape.holds === 'string') return `\`${shape.holds === 'preflight' ? 'check' : shape.holds}\` block`
  if (shape.reference === true) return 'reference'
  if (shape.const !== undefined) return `\`${String(shape.const)}\``
  if (Array.isArray(shape.enum)) return shape.enum.map((word) => `\`${String(word)}\``).join(', ')
  const alternatives = shape.anyOf ?? shape.oneOf
  if (alternatives !== undefined) return [...new Set(alternatives.map(takes))].join(' or ')
  if (typeof shape.pattern === 'string' && shape.pattern.includes('quarterly')) return 'duration or word'
  if (typeof shape.pattern === 'string' && shape.pattern.includes('(ms|s|m|h|d)')) return 'duration'
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    integer: 'whole number',
    number: 'number',
    boolean: 'true or false',
    object: 'map',
  }
  if (shape.type === 'array') return `list of ${takes(shape.items ?? {})}`
  return words[String(shape.type)] ?? 'anything'
}
