import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { problemAffectsResolutionKind } from '@arethetypeswrong/core/problems'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NODES, nodeBinary } from './nodes.ts'

const root = join(import.meta.dirname, '../..')
let folder = ''
let tarball = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-package-'))
  const packed = spawnSync('npm', ['pack', '--pack-destination', folder], { cwd: root, encoding: 'utf8' })
  expect(packed.status, packed.stderr).toBe(0)
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '')
  writeFileSync(join(folder, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n')
  const installed = spawnSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], { cwd: folder, encoding: 'utf8' })
  expect(installed.status, installed.stderr).toBe(0)
}, 300_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function keyturn(version: string, ...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(nodeBinary(version), [join(folder, 'node_modules/keyturn/bin/keyturn.js'), ...args], { cwd: folder, encoding: 'utf8' })
}

describe('the packed package, installed into an empty folder', () => {
  it('names the version found and the one needed on an older Node, and exits 2', () => {
    const run = keyturn(NODES[0], '--version')
    expect(run).toMatchObject({ status: 2, stdout: '', stderr: `keyturn needs Node 22.18 or newer; this is Node ${NODES[0]}.\n` })
  }, 300_000)

  for (const version of NODES.slice(1)) {
    it(`runs on Node ${version} with nothing on stderr`, () => {
      const { version: wanted } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
      expect(keyturn(version, '--version')).toMatchObject({ status: 0, stdout: `${wanted}\n`, stderr: '' })
      const help = keyturn(version, '--help')
      expect(help).toMatchObject({ status: 0, stderr: '' })
      expect(help.stdout).toContain('rotate')
    }, 300_000)

    it(`plans, opens a state and says what is missing on Node ${version}, without a warning`, () => {
      writeFileSync(join(folder, 'keyturn.yaml'), readFileSync(join(root, 'examples/atlas/keyturn.yaml')))
      const plan = keyturn(version, 'plan', '--offline')
      expect(plan.stderr).toBe('')
      expect(plan).toMatchObject({ status: 0 })
      expect(plan.stdout).toContain('alternate')
      expect(keyturn(version, 'status')).toMatchObject({ status: 0, stdout: 'Nothing is open.\n', stderr: '' })
      expect(keyturn(version, 'plan', 'nothing')).toMatchObject({ status: 2 })
    }, 300_000)

    it(`exports the library, the kit and the suites on Node ${version}`, () => {
      const script = "const [a, b, c] = await Promise.all([import('keyturn'), import('keyturn/kit'), import('keyturn/testing')]); console.log(typeof a.rotate, typeof b.KeyturnError, typeof c.issuerSuite)"
      const run = spawnSync(nodeBinary(version), ['--input-type=module', '-e', script], { cwd: folder, encoding: 'utf8' })
      expect(run.stdout).toBe('function function function\n')
    }, 300_000)
  }

  it('is as publint wants a package to be', async () => {
    const { messages } = await publint({ pkgDir: join(folder, 'node_modules/keyturn'), pack: false, strict: true })
    expect(messages).toEqual([])
  })

  it('has types that are found and right for every entry, for Node as ES modules and for bundlers (attw)', async () => {
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)))
    if (analysis.types === false) throw new Error('no types')
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, unknown> }
    expect(Object.keys(analysis.entrypoints).sort()).toEqual(Object.keys(exports).sort())
    // There is no CommonJS: Node loads ES modules by `require` too, and what resolved before `exports` (node10) cannot run this package.
    const ours = (['node16-esm', 'bundler'] as const).flatMap((kind) => analysis.problems.filter((problem) => problemAffectsResolutionKind(problem, kind, analysis)))
    expect(ours).toEqual([])
  })

  it('tells a strict TypeScript program what its functions take and answer', () => {
    const program = (answer: string): string => `
      import { createRuntime, loadManifest, plan } from 'keyturn'
      import { done, type Answer, type Store } from 'keyturn/kit'
      import { request } from 'keyturn/kit/http'
      import { storeSuite } from 'keyturn/testing'
      const made: ${answer} = (await plan(createRuntime(), await loadManifest('keyturn.yaml'), 'database')).steps.length
      export const all: readonly [number, Answer<number>, Store | undefined] = [made, done(1), undefined]
      export { request, storeSuite }
    `
    const check = (answer: string): SpawnSyncReturns<string> => {
      writeFileSync(join(folder, 'program.ts'), program(answer))
      const options = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext', '--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
      return spawnSync(join(root, 'node_modules/.bin/tsc'), [...options, 'program.ts'], { cwd: folder, encoding: 'utf8' })
    }
    expect(check('number').stdout).toBe('')
    expect(check('string').stdout).toContain("Type 'number' is not assignable to type 'string'")
  }, 60_000)

  it('holds nothing but what a user needs: no tests, no sources', () => {
    const files = readdirSync(join(folder, 'node_modules/keyturn'), { recursive: true, encoding: 'utf8' })
    expect(files.filter((name) => name.startsWith('src') || name.includes('.test.') || name.includes('demo/'))).toEqual([])
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'schema/keyturn.schema.json', 'bin/keyturn.js']))
  })
})
