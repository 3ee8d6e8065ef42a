import { randomBytes } from 'node:crypto'
import { chmodSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeRepository } from '../../test/fixture/repository.ts'
import { scanRepository } from './repository.ts'
import { LARGEST } from './walk.ts'

const random = (): string => randomBytes(16).toString('hex')
const line = (): string => `API_TOKEN=${random()}\n`

async function filesFound(root: string): Promise<readonly string[]> {
  return (await scanRepository(root)).envFiles.map(({ file }) => file)
}

describe('a folder is walked', () => {
  it('without what others made, and without what git ignores where that may be output', async () => {
    const foreign = ['node_modules/x', '.git/x', 'vendor/x', 'dist', 'target/debug', '.venv/lib', 'api/node_modules/x', 'own/lib/site-packages']
    const root = makeRepository(
      {
        '.gitignore': '/build/\n.env\n',
        '.env': line(),
        'api/.env': line(),
        'build/.env': line(),
        'api/build/.env': line(),
        'python/pyvenv.cfg': '',
        'python/.env': line(),
        ...Object.fromEntries(foreign.map((folder) => [`${folder}/.env`, line()])),
      },
      { git: true },
    )
    expect(await filesFound(root)).toEqual(['.env', 'api/.env', 'api/build/.env'])
  })

  it('without following links to folders, and a file under two names once', async () => {
    const root = makeRepository({ 'shared/.env': line() })
    symlinkSync('..', join(root, 'shared', 'loop'))
    symlinkSync('shared/.env', join(root, '.env'))
    const { sightings } = await scanRepository(root)
    expect(sightings.map(({ seen }) => seen.file)).toEqual(['.env'])
  })

  it('with files that compose and kustomize name, also under other names; what lies outside is told', async () => {
    const root = makeRepository({
      'compose.yaml': 'services:\n  a: { env_file: [conf/app.conf, ../outside.env, /etc/x.env, gone.env] }\nsecrets: { db: { file: ./db.txt } }\n',
      'conf/app.conf': line(),
      'db.txt': `${random()}\n`,
    })
    const { sightings, unread, envFiles } = await scanRepository(root)
    expect(sightings.map(({ key, seen, holder }) => [key, seen.file, holder.is])).toEqual([['API_TOKEN', 'conf/app.conf', 'env-file'], ['db', 'db.txt', 'secret-file']])
    expect(envFiles.map(({ file }) => file)).toEqual(['conf/app.conf'])
    expect(unread.map(({ file, why }) => `${file}: ${why}`)).toEqual(['../outside.env: outside of this folder', '/etc/x.env: outside of this folder', 'gone.env: it cannot be read (ENOENT)'])
  })

  it('and a file that is too big, no text, or closed to us is told, not read', async () => {
    const root = makeRepository({ '.env': line().repeat(LARGEST / 20), 'b.env': `A=\0${random()}`, 'big.js': `process.env.A${' '.repeat(LARGEST)}` })
    const { unread, sightings, reads } = await scanRepository(root)
    expect(unread.map(({ file, why }) => `${file}: ${why}`)).toEqual(['.env: larger than 512 KiB', 'b.env: no text'])
    expect([sightings, reads]).toEqual([[], []])
  })

  it('and a folder that may not be entered is told', async () => {
    const root = makeRepository({ 'closed/.env': line(), '.env': line() })
    chmodSync(join(root, 'closed'), 0)
    const { unread, envFiles } = await scanRepository(root)
    // Root may enter every folder.
    if (process.getuid?.() === 0) expect(envFiles.map(({ file }) => file)).toEqual(['.env', 'closed/.env'])
    else expect(unread).toEqual([{ file: 'closed', why: 'the folder cannot be read (EACCES)' }])
    chmodSync(join(root, 'closed'), 0o700)
  })
})

it('git is asked about each file that holds a key, behind its links', async () => {
  const root = makeRepository({ '.gitignore': 'ignored.env\n', 'ignored.env': line(), 'tracked.env': line() }, { git: true })
  symlinkSync('tracked.env', join(root, 'link.env'))
  const { git } = await scanRepository(root)
  expect(Object.fromEntries(git)).toEqual({ 'ignored.env': 'ignored', 'link.env': 'tracked', 'tracked.env': 'tracked' })
})

it('one repository gives the same answer every time', async () => {
  const root = makeRepository({ 'b/.env': line(), 'a/.env': line(), 'a/x.py': 'os.getenv("API_TOKEN")', 'compose.yaml': 'name: shop\nservices: { a: { env_file: a/.env } }\n' })
  const chance = randomBytes(32)
  expect(await scanRepository(root, { chance })).toEqual(await scanRepository(root, { chance }))
  expect((await scanRepository(root)).system).toBe('shop')
})
