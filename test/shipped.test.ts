import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Package, packageAt } from './servers/package.ts'

// The package as it is built: one build of all its entries, and what its launcher keeps.

let folder = ''
let shipped: Package
let dist = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-shipped-'))
  shipped = await packageAt(inject('packageFolder'))
  dist = join(dirname(shipped.launcher), '../dist')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function node(script: string): string {
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: dist, encoding: 'utf8' })
  expect(ran.stderr).toBe('')
  return ran.stdout.trim()
}

describe('the build', () => {
  it('has each class once, whichever entry it comes from', () => {
    const script = `const [main, kit, file] = await Promise.all(['./index.js', './kit/index.js', './outside/file/index.js'].map((each) => import(each)))
      console.log(main.KeyturnError === kit.KeyturnError, typeof kit.Secret, typeof file.locate)`
    expect(node(script)).toBe('true function function')
  })

  it('plans with its own files: no package is opened', () => {
    const list = join(folder, 'loaded')
    const hook = `data:text/javascript,${encodeURIComponent(`
      import { appendFileSync } from 'node:fs'
      import { registerHooks } from 'node:module'
      registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context) } })`)}`
    const plain = join(import.meta.dirname, 'fixture/plain.yaml')
    const ran = spawnSync(process.execPath, ['--import', hook, shipped.launcher, 'plan', '--offline', '-f', plain], { encoding: 'utf8', env: { HOME: folder } })
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    const files = readFileSync(list, 'utf8').split('\n').filter((url) => url.startsWith('file:'))
    expect(files.filter((url) => url.includes('node_modules'))).toEqual([])
    expect(files.length).toBeLessThan(75)
  })

  it('comes with the licence of every package whose code is in it', () => {
    const notice = readFileSync(join(dist, 'third-party.txt'), 'utf8')
    for (const name of ['age-encryption', 'commander', 'kysely', 'pg', 'yaml', 'zod']) expect(notice).toMatch(new RegExp(`^${name} \\d\\S* \\(\\S+\\)$`, 'm'))
    expect(notice).not.toContain('undefined')
  })
})

describe.runIf(process.getuid !== undefined)('what Node compiles', () => {
  const help = (env: Readonly<Record<string, string>>): void => {
    expect(spawnSync(process.execPath, [shipped.launcher, '--help'], { encoding: 'utf8', env })).toMatchObject({ status: 0, stderr: '' })
  }

  it('is kept in the cache of this user, where nobody else can put anything, and not in the folder for temporary files', () => {
    const [home, temporary] = ['home', 'tmp'].map((name) => join(folder, name)) as [string, string]
    for (const each of [home, temporary]) mkdirSync(each, { mode: 0o700 })
    help({ HOME: home, TMPDIR: temporary })
    const kept = join(home, '.cache/keyturn/compiled')
    expect(readdirSync(kept)).not.toEqual([])
    expect(statSync(kept).mode & 0o777).toBe(0o700)
    expect(readdirSync(temporary)).toEqual([])
  })

  it.each(['.', 'keyturn', 'keyturn/compiled'])('is not kept where others may write to %s of the cache', (where) => {
    const cache = mkdtempSync(join(folder, 'cache-'))
    mkdirSync(join(cache, 'keyturn/compiled'), { recursive: true, mode: 0o700 })
    chmodSync(join(cache, where), 0o777)
    help({ HOME: folder, XDG_CACHE_HOME: cache })
    expect(readdirSync(join(cache, 'keyturn/compiled'))).toEqual([])
  })

  it('is done without where nothing can be kept', () => {
    const file = join(folder, 'no-folder')
    writeFileSync(file, '')
    help({ HOME: folder, XDG_CACHE_HOME: file })
  })
})
