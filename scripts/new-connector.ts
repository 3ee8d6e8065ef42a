// npm run new:connector NAME [-- --families store,check]: makes src/connectors/NAME, a connector that works against a server of its own
// and keeps the laws of its families, to be changed into the one that is wanted. --root FOLDER takes another checkout than this one.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Family } from '../src/kit/index.ts'
import { FAMILIES, renderConnector } from './new-connector/render.ts'

const DEFAULT: readonly Family[] = ['store']
const USAGE = `npm run new:connector NAME [-- --families ${FAMILIES.join(',')}]`

/** Ends with 2: nothing was written. */
function refuse(...lines: readonly string[]): never {
  process.stderr.write(`${lines.join('\n')}\n`)
  process.exit(2)
}

function read(): { readonly words: readonly string[]; readonly given: string | undefined; readonly root: string } {
  try {
    const { positionals, values } = parseArgs({ allowPositionals: true, options: { families: { type: 'string' }, root: { type: 'string' } } })
    return { words: positionals, given: values.families, root: resolve(values.root ?? join(import.meta.dirname, '..')) }
  } catch (thrown) {
    return refuse(thrown instanceof Error ? thrown.message : String(thrown), USAGE)
  }
}

const { words, given, root } = read()
const [name, ...more] = words
if (name === undefined || more.length > 0) refuse('Give the one name that will stand after `use:`.', USAGE)
if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 40) refuse(`${name} cannot be a name: lower-case letters, digits and single hyphens, a letter first, 40 at most.`)
// `attest: { use: issuer }` is the engine's own.
if (name === 'issuer') refuse('`issuer` is the name of the attestor that keyturn brings.')
const folder = join('src', 'connectors', name)
if (existsSync(join(root, folder))) refuse(`${folder} is there already.`)

const asked = given === undefined ? DEFAULT : given.split(',').map((word) => word.trim())
const families = FAMILIES.filter((family) => asked.some((word) => word === family))
const wrong = asked.filter((word) => !FAMILIES.some((family) => family === word))
if (wrong.length > 0) refuse(`No family of connectors: ${wrong.map((word) => `\`${word}\``).join(', ')}. There are ${FAMILIES.join(', ')}.`)

mkdirSync(join(root, folder), { recursive: true })
for (const [file, text] of Object.entries(renderConnector(name, families))) {
  writeFileSync(join(root, folder, file), text)
  process.stdout.write(`written: ${folder}/${file}\n`)
}
const files = families.map((family) => `${family}.ts`).join(', ')
process.stdout.write(`
\`use: ${name}\` is ${families.join(', ')} now, and works already against the server of ${folder}/fake.ts.${given === undefined ? `\nFor other families: ${USAGE}` : ''}

Next:
  1. npx vitest run ${folder}
     Its laws, green from the start.
  2. Put the requests of your provider into ${folder}/provider.ts and api.ts, and what you need of them into ${files}.
     What people write is in manifest.ts, what it proves and cannot do in readme.md.
  3. npm run gen
     Registry, JSON Schema and docs know it then.
  4. npx vitest run ${folder} test/architecture.test.ts && npm run typecheck && npm run lint

CONTRIBUTING.md, "Add a connector", has the whole way.
`)
