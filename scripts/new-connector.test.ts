import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registry } from '../src/connectors.gen.ts'
import { choose, FAMILIES, renderConnector, titleOf } from './new-connector/render.ts'

const root = join(import.meta.dirname, '..')

describe('npm run new:connector', () => {
  let copy = ''
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'keyturn-new-connector-'))
    mkdirSync(join(copy, 'src/connectors/there'), { recursive: true })
    // What connectors import is the checkout's own.
    for (const name of readdirSync(join(root, 'src')).filter((each) => each !== 'connectors')) symlinkSync(join(root, 'src', name), join(copy, 'src', name))
    for (const name of ['node_modules', 'test']) symlinkSync(join(root, name), join(copy, name))
    writeFileSync(join(copy, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions: { typeRoots: ['node_modules/@types'] }, include: ['src/connectors'] }))
  })
  afterAll(() => rmSync(copy, { recursive: true, force: true }))
  const make = (...words: readonly string[]): SpawnSyncReturns<string> =>
    spawnSync(process.execPath, [join(root, 'scripts/new-connector.ts'), '--root', copy, ...words], { encoding: 'utf8' })

  it.each([
    ['Acme', 'cannot be a name'],
    ['my_vault', 'cannot be a name'],
    ['-vault', 'Unknown option'],
    ['1vault', 'cannot be a name'],
    ['vault-', 'cannot be a name'],
    ['my--vault', 'cannot be a name'],
    ['../vault', 'cannot be a name'],
    ['v'.repeat(41), 'cannot be a name'],
    ['issuer', 'the attestor that keyturn brings'],
    ['there', 'is there already'],
  ])('refuses the name %s, says why, and writes nothing', (name, why) => {
    const made = make(name)
    expect(made).toMatchObject({ status: 2, stdout: '' })
    expect(made.stderr).toContain(why)
    expect(readdirSync(join(copy, 'src/connectors'))).toEqual(['there'])
    expect(readdirSync(join(copy, 'src/connectors/there'))).toEqual([])
  })

  it.each([
    [[], 'Give the one name'],
    [['one', 'two'], 'Give the one name'],
    [['vault', '--families', 'store,stores'], 'No family of connectors: `stores`'],
    [['vault', '--families', ''], 'No family of connectors: ``'],
    [['vault', '--family', 'store'], 'Unknown option'],
  ])('refuses %j, says what there is, and writes nothing', (words, why) => {
    const made = make(...words)
    expect(made).toMatchObject({ status: 2, stdout: '' })
    expect(made.stderr).toContain(why)
    expect(made.stderr).toContain('reference')
    expect(existsSync(join(copy, 'src/connectors/vault'))).toBe(false)
  })

  it('makes a store when nothing else is asked for, and says what to do next', () => {
    const made = make('plain')
    expect(made).toMatchObject({ status: 0, stderr: '' })
    expect(readdirSync(join(copy, 'src/connectors/plain'))).toEqual(['api.ts', 'connector.test.ts', 'fake.ts', 'index.ts', 'manifest.ts', 'provider.ts', 'readme.md', 'store.ts'])
    for (const next of ['npx vitest run src/connectors/plain', 'npm run gen', 'npm run typecheck']) expect(made.stdout).toContain(next)
  })

  it('makes code that the compiler and the linter pass, for every family and for all together', () => {
    for (const family of FAMILIES) expect(make(`only-${family}`, '--families', family).status).toBe(0)
    expect(make('all', '--families', FAMILIES.join(',')).status).toBe(0)
    const bin = (name: string): string => join(root, 'node_modules/.bin', name)
    expect(spawnSync(bin('tsc'), ['--noEmit', '-p', copy], { encoding: 'utf8' }).stdout).toBe('')
    const lint = spawnSync(bin('oxlint'), ['--deny-warnings', '-c', join(root, '.oxlintrc.json'), 'src/connectors'], { cwd: copy, encoding: 'utf8' })
    expect(lint.status, lint.stdout).toBe(0)
    const files = globSync('src/connectors/**/*.ts', { cwd: copy })
    expect(files.length).toBeGreaterThan(60)
    expect(files.filter((file) => readFileSync(join(copy, file), 'utf8').split('\n').length > (file.endsWith('.test.ts') ? 500 : 300))).toEqual([])
  }, 60_000)
})

describe('a new connector', () => {
  it('has its own name wherever the template has one', () => {
    const files = renderConnector('my-vault', FAMILIES)
    for (const text of Object.values(files)) expect(text).not.toMatch(/acme/i)
    expect(files['manifest.ts']).toContain("title: 'My vault'")
    expect(files['manifest.ts']).toContain('${env:MY_VAULT_TOKEN}')
    expect(titleOf('my-vault-2')).toBe('My vault 2')
  })

  it('keeps no mark of the template, and nothing that is left to do by the word', () => {
    for (const families of [...FAMILIES.map((family) => [family]), FAMILIES]) {
      for (const text of Object.values(renderConnector('x', families))) {
        expect(text).not.toMatch(/<\/?(issuer|store|consumer|check|attestor|notifier|reference)\b/)
        expect(text).not.toMatch(/TODO|FIXME|XXX/)
        expect(text).not.toMatch(/\n\n\n|^\n/)
      }
    }
  })

  it('can be of every family that the connectors of this checkout have', () => {
    const served = new Set(Object.values(registry).flatMap(({ manifest }) => Object.keys(manifest.families)))
    // Few sealers are ever written, and vault has one to read.
    served.delete('sealer')
    expect([...served].filter((family) => !FAMILIES.some((each) => each === family))).toEqual([])
  })

  it('is refused with a template whose marks do not fit', () => {
    expect(choose('a\n// <store check>\nb\n// </store check>\nc', ['check'])).toBe('a\nb\nc')
    expect(choose('a\n<!-- <store> -->\nb\n<!-- </store> -->\nc', ['check'])).toBe('a\nc')
    for (const wrong of ['// <store>\na', 'a\n// </store>', '// <store>\n// </check>', '// <store>\n// <check>\n// </check>\n// </store>']) {
      expect(() => choose(wrong, ['store'])).toThrow('the marks of a template do not fit')
    }
  })
})
