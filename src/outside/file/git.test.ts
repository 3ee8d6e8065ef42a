import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isExample } from './example.ts'
import { gitState, gitStates } from './git.ts'

let folder: string
const git = (...words: string[]): unknown => execFileSync('git', ['-C', folder, ...words], { stdio: 'pipe' })
const call = { signal: new AbortController().signal, deadline: Date.now() + 60_000 }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-git-'))
  writeFileSync(join(folder, '.env'), 'A=1\n')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('gitState (S0-04)', () => {
  it('knows a file outside every work tree', async () => {
    expect(await gitState(join(folder, '.env'), call)).toBe('outside')
  })

  it('knows exposed, ignored and tracked', async () => {
    git('init', '-q')
    expect(await gitState(join(folder, '.env'), call)).toBe('exposed')
    writeFileSync(join(folder, '.gitignore'), '/.env*\n')
    expect(await gitState(join(folder, '.env'), call)).toBe('ignored')
    git('add', '-f', '.env')
    expect(await gitState(join(folder, '.env'), call)).toBe('tracked')
  })

  it('takes the path for a name, not for a pattern or an option', async () => {
    git('init', '-q')
    writeFileSync(join(folder, 'tracked'), '')
    git('add', 'tracked')
    writeFileSync(join(folder, '.gitignore'), 'star\n')
    for (const name of ['*', '--cached', ':(top)tracked', ':(top)star', '[t]racked']) {
      writeFileSync(join(folder, name), '')
      expect(await gitState(join(folder, name), call)).toBe('exposed')
    }
  })

  it('answers for many files of many folders at once as for each alone', async () => {
    git('init', '-q')
    mkdirSync(join(folder, 'sub'))
    writeFileSync(join(folder, '.gitignore'), '*.env\n')
    const names = ['a.env', 'sub/b.env', 'sub/plain', 'tracked', 'tracked.env', ...Array.from({ length: 450 }, (_, n) => `many-${n}${n % 2 === 0 ? '.env' : ''}`)]
    for (const name of ['tracked', 'tracked.env']) writeFileSync(join(folder, name), '')
    git('add', '-f', 'tracked', 'tracked.env')
    const states = await gitStates(names.map((name) => join(folder, name)), call)
    expect(names.map((name) => states.get(join(folder, name)))).toEqual(names.map((name) => (name.startsWith('tracked') ? 'tracked' : name.endsWith('.env') ? 'ignored' : 'exposed')))
  })

  it('is unknown below a .git that git cannot look into', async () => {
    mkdirSync(join(folder, 'sub'))
    writeFileSync(join(folder, '.git'), 'gitdir: /nowhere\n')
    expect(await gitState(join(folder, 'sub', '.env'), call)).toBe('unknown')
  })

  it('is unknown below a .git where git is not installed, and outside where there is none', async () => {
    const { PATH } = process.env
    process.env['PATH'] = folder
    try {
      expect(await gitState(join(folder, '.env'), call)).toBe('outside')
      mkdirSync(join(folder, '.git'))
      expect(await gitState(join(folder, '.env'), call)).toBe('unknown')
    } finally {
      process.env['PATH'] = PATH
    }
  })

  it('does not follow the surroundings to another repository', async () => {
    git('init', '-q')
    process.env['GIT_DIR'] = '/nowhere'
    try {
      expect(await gitState(join(folder, '.env'), call)).toBe('exposed')
    } finally {
      delete process.env['GIT_DIR']
    }
  })
})

describe('isExample (S0-05)', () => {
  it('knows examples by their name', () => {
    const examples = ['.env.example', '/a/.env.sample', 'env.template', '.env.EXAMPLE', 'env-example', 'example']
    const others = ['.env', '/example/.env', '.env.example.local', 'counterexample', '.env.production']
    expect([...examples, ...others].filter(isExample)).toEqual(examples)
  })
})
