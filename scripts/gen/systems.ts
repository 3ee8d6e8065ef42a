import { globSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { System } from '../../test/systems/system.ts'
import { table } from './table.ts'

/** `CONTRIBUTING.md` with its table of systems made anew: it stands between `<!-- systems -->` and `<!-- end -->`. */
export async function contributingDoc(current: string, root: string): Promise<string> {
  const files = globSync('test/systems/*/system.ts', { cwd: root }).toSorted()
  const rows = await Promise.all(files.map(async (file) => {
    const { default: system } = (await import(pathToFileURL(join(root, file)).href)) as { readonly default: System }
    const parts = new Set(Object.values(system.runs).flat().map(({ title }) => title))
    return [`\`${basename(dirname(file))}\``, system.says, parts.size === 0 ? 'nothing: npm has it' : [...parts].join(', ')]
  }))
  return current.replace(/<!-- systems -->[^]*?<!-- end -->/, () => `<!-- systems -->\n\n${table(['System', 'Proves', 'Brings'], rows)}\n\n<!-- end -->`)
}
