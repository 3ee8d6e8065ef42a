import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { CODES, describeConnector } from '../src/kit/index.ts'
import { makeOutputs, staleOf } from './gen/outputs.ts'
import { faultsOf } from './gen/soundness.ts'

const root = join(import.meta.dirname, '..')
const { files, faults } = await makeOutputs(root)

describe('the generated files', () => {
  it('are not stale; run `npm run gen`', () => {
    expect(staleOf(root, files)).toEqual([])
  })

  it('come from sound descriptors', () => {
    expect(faults).toEqual([])
  })

  it('name every error code with its hint', () => {
    const doc = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    const rows = Object.entries(CODES).map(([code, { says, hint }]) => `| \`${code}\` | ${says} | ${hint} |`)
    expect(doc.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows)
  })
})

describe('npm run gen', () => {
  let copy = ''
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'keyturn-gen-'))
    mkdirSync(join(copy, 'src'))
    symlinkSync(join(root, 'src/connectors'), join(copy, 'src/connectors'))
    for (const path of Object.keys(files)) {
      mkdirSync(dirname(join(copy, path)), { recursive: true })
      cpSync(join(root, path), join(copy, path))
    }
  })
  afterAll(() => rmSync(copy, { recursive: true }))
  const gen = async (...options: string[]) => {
    const ran = promisify(execFile)(process.execPath, [join(root, 'scripts/gen.ts'), '--root', copy, ...options])
    return ran.then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
    )
  }

  it('with --check fails, lists what is stale or missing, and writes nothing', async () => {
    writeFileSync(join(copy, 'docs/errors.md'), 'planted')
    rmSync(join(copy, 'schema/keyturn.schema.json'))
    expect(await gen('--check')).toEqual({ code: 1, stdout: 'stale: schema/keyturn.schema.json\nstale: docs/errors.md\n' })
    expect(readFileSync(join(copy, 'docs/errors.md'), 'utf8')).toBe('planted')
  })

  it('mends what is stale, after which --check passes', async () => {
    expect((await gen()).code).toBe(0)
    expect(await gen('--check')).toEqual({ code: 0, stdout: '' })
    expect(readFileSync(join(copy, 'docs/errors.md'), 'utf8')).toBe(files['docs/errors.md'])
  })
})

it('finds what is wrong with a descriptor', () => {
  const family = z.object({ within: z.string(), deep: z.strictObject({ more: z.string() }).describe('Deep.') })
  const planted = describeConnector({
    id: 'planted',
    title: 'P',
    summary: 'P.',
    links: [],
    families: { check: family },
    strategies: ['overlap'],
  })
  expect(faultsOf(planted)).toEqual([
    'planted: has no link to where its facts come from',
    'planted: `strategies` belong to an issuer, and an issuer has them',
    "planted: check: `within` is the engine's",
    'planted: check: not a strict object',
    'planted: check.within: not described',
    'planted: check.deep.more: not described',
  ])
})
