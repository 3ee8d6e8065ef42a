// npm run gen: makes the generated files. With --check it writes nothing, lists the stale ones and ends with 1.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeOutputs, staleOf } from './gen/outputs.ts'

const root = join(import.meta.dirname, '..')
const { files, faults } = await makeOutputs(root)
const stale = staleOf(root, files)
const check = process.argv.includes('--check')

for (const path of check ? [] : stale) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), files[path] ?? '')
}
for (const path of stale) process.stdout.write(`${check ? 'stale' : 'written'}: ${path}\n`)
for (const fault of faults) process.stderr.write(`${fault}\n`)
if (faults.length > 0 || (check && stale.length > 0)) process.exitCode = 1
