import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeRepository } from '../../test/fixture/repository.ts'

/** Scans, keeps what was found, and writes down everything that is still in memory. */
const script = `
const { scanRepository } = await import(process.argv[1])
globalThis.kept = [await scanRepository(process.argv[2])]
for (let round = 0; round < 3; round += 1) globalThis.gc()
;(await import('node:v8')).writeHeapSnapshot(process.argv[3])
`

it('after a scan no value is in memory any more, in whatever file it stood', () => {
  const random = (): string => randomBytes(24).toString('hex')
  const values = [random(), random(), random(), random()]
  const root = makeRepository({
    '.env': `# ${'x'.repeat(20)}\nTHE_SESSION_SECRET_KEY=${values[0]}\nTHE_DATABASE_URL_OF_SHOP=postgres://shopkeeper_of_all:${values[1]}@db/shop\n`,
    'compose.yaml': `services:\n  a_service_with_a_long_name:\n    environment:\n      THE_API_TOKEN_OF_SHOP: ${values[2]}\n`,
    'k8s.yaml': `apiVersion: v1\nkind: Secret\nmetadata: { name: a-secret-with-a-long-name }\nstringData: { THE_MAIL_TOKEN_OF_SHOP: ${values[3]} }\n`,
  })
  const snapshot = join(root, 'memory')
  execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script, join(import.meta.dirname, 'repository.ts'), root, snapshot])
  const memory = readFileSync(snapshot, 'utf8')
  expect(memory).toContain('THE_SESSION_SECRET_KEY')
  expect(memory).toContain('a-secret-with-a-long-name')
  expect(values.filter((value) => memory.includes(value))).toEqual([])
})
