import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'

const root = join(import.meta.dirname, '..')
const MANIFEST = join(root, 'test/fixture/plain.yaml')

interface Loaded {
  /** npm packages by name, and those of Node's own modules that reach for a database or the network. */
  readonly packages: readonly string[]
  /** The folders of `src`, and the files beside them. */
  readonly parts: readonly string[]
}

/** Node's modules that only somebody who does something needs. */
const HEAVY = /^node:(sqlite|https?|http2|tls|dgram|worker_threads|inspector|test)$/

/** What one run of keyturn loads, with an import planted at the top of one of its files when that is asked for. */
function loadedBy(words: readonly string[], plant: { readonly file: string; readonly name: string } = { file: '', name: '' }): Loaded {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-loaded-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, LOADED: join(folder, 'loaded'), PLANT: `${plant.file}=${plant.name}` }
  const ran = spawnSync(process.execPath, ['--import', join(root, 'test/fixture/loaded.ts'), join(root, 'bin/keyturn.js'), ...words], { cwd: folder, encoding: 'utf8', env })
  expect(ran.status, ran.stderr).toBe(0)
  const urls = readFileSync(env.LOADED, 'utf8').trim().split('\n')
  const named = urls.flatMap((url) => /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? (HEAVY.test(url) ? url : []))
  const parts = urls.flatMap((url) => (url.includes('/node_modules/') ? [] : (/\/src\/([^/]+)/.exec(url)?.[1] ?? [])))
  return { packages: [...new Set(named)].sort(), parts: [...new Set(parts)].sort() }
}

describe('what a command loads before it does anything', () => {
  it('is nothing for --version', () => {
    expect(loadedBy(['--version'])).toEqual({ packages: [], parts: [] })
  })

  it.each([[['--help']], [['help', 'rotate']], [['completion', 'bash']]])('is the parser of the command line and no SDK, driver or connector: %j', (words) => {
    const { packages, parts } = loadedBy(words)
    expect(packages).toEqual(['commander'])
    expect(parts.filter((part) => !['cli', 'kit', 'redact', 'views'].includes(part))).toEqual([])
  })

  it('is no SDK and no driver for a plan that looks at nothing but the manifest', () => {
    const { packages, parts } = loadedBy(['plan', '--offline', '--manifest', MANIFEST])
    expect(packages).toEqual(['commander', 'fastest-levenshtein', 'js-yaml', 'zod'])
    expect(parts).toContain('connectors')
  })

  it.each([
    ['src/cli/terminal.ts', 'age-encryption', ['--help']],
    ['src/cli/commands.ts', 'node:sqlite', ['completion', 'fish']],
    ['src/kit/index.ts', 'pg', ['--help']],
    ['src/state/open.ts', 'kysely', ['plan', '--offline', '--manifest', MANIFEST]],
    ['src/connectors/postgres/manifest.ts', 'pg', ['plan', '--offline', '--manifest', MANIFEST]],
    ['src/runtime.ts', 'pg-boss', ['plan', '--offline', '--manifest', MANIFEST]],
  ])('is seen here when it is more: %s importing %s at its top', (file, name, words) => {
    expect(loadedBy(words, { file, name }).packages).toContain(name)
  })
})
