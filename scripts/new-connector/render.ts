import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Family } from '../../src/kit/index.ts'

/** What a connector can be, in the order in which help lists it. */
export const FAMILIES: readonly Family[] = ['issuer', 'store', 'consumer', 'check', 'attestor', 'notifier', 'reference']

/** The connector that every new one is a copy of. It is whole, with all families, and its tests run with the others. */
const TEMPLATE = join(import.meta.dirname, 'acme')
/** Where `src/` is seen from the template, and from the folder of a connector. */
const [FROM_TEMPLATE, FROM_CONNECTOR] = ['../../../src/', '../../']

/**
 * The files of a new connector by name: the template with this id in place of `acme`. A file that has the name of a family is there
 * when the family is; so is what stands between the lines `// <store>` and `// </store>`, where several families may be named and
 * one of them is enough.
 */
export function renderConnector(id: string, families: readonly Family[]): Readonly<Record<string, string>> {
  const left = FAMILIES.filter((family) => !families.includes(family))
  const names = readdirSync(TEMPLATE).filter((name) => !left.some((family) => name === `${family}.ts`))
  return Object.fromEntries(names.map((name) => [name, rename(choose(readFileSync(join(TEMPLATE, name), 'utf8'), families), id)]))
}

/** `my-vault` in sentences: `My vault`. */
export function titleOf(id: string): string {
  const words = id.replaceAll('-', ' ')
  return `${words[0]?.toUpperCase() ?? ''}${words.slice(1)}`
}

function rename(text: string, id: string): string {
  return text
    .replaceAll(FROM_TEMPLATE, FROM_CONNECTOR)
    .replaceAll('acme', id)
    .replaceAll('Acme', titleOf(id))
    .replaceAll('ACME', id.toUpperCase().replaceAll('-', '_'))
}

/** A text of the template without its marks and without what is of other families. Throws on marks that do not fit: the template is wrong then. */
export function choose(text: string, families: readonly Family[]): string {
  const kept: string[] = []
  let open: { readonly names: string; readonly keep: boolean } | undefined
  for (const line of text.split('\n')) {
    const [, ends, names] = /^\s*(?:\/\/|<!--) <(\/?)([a-z ]+)>(?: -->)?$/.exec(line) ?? []
    if (names === undefined) {
      if (open?.keep !== false) kept.push(line)
    } else if (ends === '' && open === undefined) open = { names, keep: names.split(' ').some((name) => families.some((family) => family === name)) }
    else if (ends === '/' && open?.names === names) open = undefined
    else throw new Error(`the marks of a template do not fit: ${line.trim()}`)
  }
  if (open !== undefined) throw new Error(`the marks of a template do not fit: ${open.names}`)
  return kept.join('\n').replaceAll(/\n{3,}/g, '\n\n').replace(/^\n+/, '')
}
