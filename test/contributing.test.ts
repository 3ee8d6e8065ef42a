import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
/** What a checkout has and a copy needs not: what is installed, made or kept by git. */
const LEFT = new Set(['node_modules', '.git', 'dist', 'coverage', '.keyturn', '.vitest'])

interface Block {
  readonly kind: string
  readonly text: string
}

/** The code blocks of a section, in order, without their indentation. */
function blocksOf(document: string, section: string): Block[] {
  const from = document.indexOf(`\n## ${section}\n`)
  const to = document.indexOf('\n## ', from + 1)
  const text = document.slice(from, to === -1 ? undefined : to)
  return [...text.matchAll(/^( *)```(\w+)\n([^]*?)^\1```$/gm)].map(([, indent = '', kind = '', body = '']) => ({
    kind,
    text: body.split('\n').map((line) => line.slice(indent.length)).join('\n'),
  }))
}

describe('CONTRIBUTING.md, "Add a connector", followed to the letter', () => {
  const blocks = blocksOf(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'), 'Add a connector')
  const commands = blocks.filter(({ kind }) => kind === 'sh').flatMap(({ text }) => text.trimEnd().split('\n'))
  let copy = ''
  let before: Readonly<Record<string, string>> = {}

  /** Every file of the copy, by a digest of what is in it. */
  const files = (): Record<string, string> =>
    Object.fromEntries(
      globSync('**', { cwd: copy, withFileTypes: true, exclude: (entry) => LEFT.has(entry.name) })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => [path.slice(copy.length + 1), createHash('sha256').update(readFileSync(path)).digest('hex')]),
    )
  const read = (path: string): string => readFileSync(join(copy, path), 'utf8')
  /** As a newcomer's shell runs it: nothing of the test runner around it is handed on. */
  const run = (command: string): { readonly status: number | null; readonly said: string } => {
    const { PATH, HOME, TMPDIR, USER } = process.env
    const ran = spawnSync('sh', ['-c', command], { cwd: copy, encoding: 'utf8', env: { PATH, HOME, TMPDIR, USER, CI: '1', NO_COLOR: '1' } })
    return { status: ran.status, said: `${ran.stdout}${ran.stderr}` }
  }

  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'keyturn-contributing-'))
    cpSync(root, copy, { recursive: true, filter: (path) => !LEFT.has(path.slice(root.length + 1)) })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    before = files()
  })
  afterAll(() => rmSync(copy, { recursive: true, force: true }))

  it('has commands to follow, and a manifest', () => {
    expect(commands.length).toBeGreaterThanOrEqual(5)
    expect(blocks.map(({ kind }) => kind)).toEqual(['sh', 'sh', 'yaml', 'sh'])
    writeFileSync(join(copy, 'acme.yaml'), blocks.find(({ kind }) => kind === 'yaml')?.text ?? '')
  })

  it.each(commands)('%s', (command) => {
    const { status, said } = run(command)
    expect(status, said).toBe(0)
    if (command.includes('vitest')) expect(said).toMatch(/Tests +\d+ passed/)
    // The last command: the connector is in a plan.
    if (command.includes('plan')) expect(said).toContain('acme.example/atlas')
  }, 120_000)

  it('ends with a connector in the registry, in the docs and in the JSON Schema', () => {
    expect(read('src/connectors.gen.ts')).toContain("load: () => import('./connectors/acme/index.ts')")
    expect(read('docs/connectors.md')).toContain('\n## acme\n')
    const { $defs } = JSON.parse(read('schema/keyturn.schema.json')) as { $defs: Record<string, unknown> }
    expect($defs['store.acme']).toMatchObject({ properties: { use: { const: 'acme' } } })
  })

  it('changed one folder, and beside it what is generated', () => {
    const after = files()
    const changed = Object.keys(after).filter((path) => after[path] !== before[path])
    const elsewhere = changed.filter((path) => !path.startsWith('src/connectors/acme/') && path !== 'acme.yaml')
    expect(elsewhere.sort()).toEqual(['docs/connectors.md', 'schema/keyturn.schema.json', 'src/connectors.gen.ts'])
    expect(Object.keys(before).filter((path) => after[path] === undefined)).toEqual([])
  })
})
