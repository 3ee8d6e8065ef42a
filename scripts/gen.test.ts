import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { optionsOf } from '../src/cli/command.ts'
import { COMMANDS } from '../src/cli/commands.ts'
import { registry } from '../src/connectors.gen.ts'
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

describe('the generated docs', () => {
  const { $defs } = JSON.parse(files['schema/keyturn.schema.json'] ?? '') as { $defs: Readonly<Record<string, unknown>> & { readonly reference: { readonly pattern: string } } }
  const sections = new Map((files['docs/connectors.md'] ?? '').split('\n## ').map((text) => [text.slice(0, text.indexOf('\n')), text]))
  /** Where a manifest names a family; a reference is a text. */
  const BLOCKS: Readonly<Record<string, readonly string[]>> = { issuer: ['issuer'], store: ['store'], consumer: ['consumer'], check: ['check', 'preflight'], attestor: ['attest'], notifier: ['notifier'], reference: [] }

  it.each(Object.entries(registry))('tell every family of %s, and the JSON Schema has it wherever a manifest may name it', (id, { manifest }) => {
    for (const family of Object.keys(manifest.families)) {
      expect(sections.get(id)).toContain(`### As ${family}\n`)
      const defined = BLOCKS[family]?.map((block) => $defs[`${block}.${id}`] !== undefined)
      expect(defined).toEqual(BLOCKS[family]?.map(() => true))
    }
    expect('reference' in manifest.families).toBe(new RegExp($defs.reference.pattern).test(`\${${id}:name}`))
  })

  it('tell every command with its options, but for the hidden ones', () => {
    const doc = files['docs/cli.md'] ?? ''
    expect([...doc.matchAll(/^## keyturn ([\w-]+)/gm)].map(([, verb]) => verb)).toEqual(COMMANDS.filter(({ hidden }) => hidden !== true).map(({ words }) => words.split(' ')[0]))
    for (const entry of COMMANDS.filter(({ hidden }) => hidden !== true)) {
      for (const [flags, says] of optionsOf(entry)) expect(doc).toContain(`- \`${flags}\`: ${says}`)
    }
  })
})

describe('npm run gen', () => {
  let copy = ''
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'keyturn-gen-'))
    mkdirSync(join(copy, 'src'))
    symlinkSync(join(root, 'src/connectors'), join(copy, 'src/connectors'))
    symlinkSync(join(root, 'test'), join(copy, 'test'))
    // What it is made of, beside the sources: what was proven.
    for (const path of [...Object.keys(files), 'docs/proven.json']) {
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
    const [missing = '', ...stale] = Object.keys(files)
    rmSync(join(copy, missing))
    // These are made of themselves: what is not generated stands as it is.
    const MARKED: Readonly<Record<string, string>> = { 'docs/manifest.md': '<!-- keys: store --><!-- end -->', 'CONTRIBUTING.md': '<!-- systems --><!-- end -->' }
    for (const path of stale) writeFileSync(join(copy, path), MARKED[path] ?? 'planted')
    expect(await gen('--check')).toEqual({ code: 1, stdout: Object.keys(files).map((path) => `stale: ${path}\n`).join('') })
    expect(readFileSync(join(copy, 'docs/errors.md'), 'utf8')).toBe('planted')
    for (const path of Object.keys(MARKED)) cpSync(join(root, path), join(copy, path))
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

it('finds an issuer whose configuration does not name the fields that it is said to name', () => {
  const planted = describeConnector({
    id: 'planted',
    title: 'P',
    summary: 'P.',
    links: ['https://p.example'],
    families: { issuer: z.strictObject({ principal: z.string().describe('Whose.') }) },
    strategies: ['overlap'],
    fields: 'configured',
  })
  expect(faultsOf(planted)).toEqual(['planted: issuer: no key `fields`, which is said to name them'])
})

it('finds a reference whose names are no text that is described', () => {
  const planted = (reference: z.ZodType) => faultsOf(describeConnector({ id: 'planted', title: 'P', summary: 'P.', links: ['https://p.example'], families: { reference } }))
  for (const reference of [z.string(), z.strictObject({ name: z.string().describe('N.') }).describe('N.')]) {
    expect(planted(reference)).toEqual(['planted: reference: the schema of a name is a text with a description'])
  }
  expect(planted(z.string().describe('`${planted:NAME}` is N.'))).toEqual([])
})

it('lists every scheme of references in the schema and in the manual', () => {
  const { $defs } = JSON.parse(files['schema/keyturn.schema.json'] ?? '') as { $defs: { reference: { pattern: string } } }
  for (const scheme of ['env', 'exec', 'file']) {
    expect(new RegExp($defs.reference.pattern).test(`a \${${scheme}:name} b`)).toBe(true)
    expect(files['docs/manifest.md']).toContain(`| [\`${scheme}\`](connectors.md#${scheme}) |`)
  }
  expect(new RegExp($defs.reference.pattern).test('${unheard:name} ${env:}')).toBe(false)
})
