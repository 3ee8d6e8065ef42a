// npm run gen: makes the generated files. With --check it writes nothing, lists the stale ones and ends with 1. --root FOLDER
// takes another checkout than this one.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeOutputs, staleOf } from './gen/outputs.ts'

const { check, root: given } = parseArgs({
  options: { check: { type: 'boolean', default: false }, root: { type: 'string' } },
}).values
const root = resolve(given ?? join(import.meta.dirname, '..'))
const { files, faults } = await makeOutputs(root)
const stale = staleOf(root, files)

for (const path of check ? [] : stale) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), files[path] ?? '')
}
for (const path of stale) process.stdout.write(`${check ? 'stale' : 'written'}: ${path}\n`)
for (const fault of faults) process.stderr.write(`${fault}\n`)
if (faults.length > 0 || (check && stale.length > 0)) process.exitCode = 1
