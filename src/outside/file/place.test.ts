import { linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callWithin } from '../../testing/call.ts'
import { faultyDisk } from '../../testing/disk.ts'
import { inspectPlace } from './place.ts'
import { disk, type FilePort } from './port.ts'
import type { Way } from './way.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-place-'))
  file = join(folder, 'secrets')
  writeFileSync(file, 'x', { mode: 0o600 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** What is told, or the code and words of a refusal. */
async function say(way: Way, port: FilePort = disk): Promise<string> {
  const answer = await inspectPlace(file, way, port, callWithin(10_000))
  if (answer.is === 'done') return answer.value.notices.join('\n')
  return answer.is === 'refused' ? `${answer.code} ${answer.about ?? ''}` : answer.is
}

/** The disk, on a machine where these are the mounts of this process, and of a container. */
function mounted(ours: readonly [root: string, point: string], theirs: string): FilePort {
  const table = ([root, point]: readonly [string, string]): Buffer => Buffer.from(`1 0 8:1 / / rw - ext4 - rw\n2 1 8:1 ${root} ${point} rw - ext4 - rw\n`)
  return {
    ...disk,
    list: async () => ['9'],
    read: async (path) => (path === '/proc/self/mountinfo' ? table(ours) : path === '/proc/9/mountinfo' ? table([theirs, '/run/x']) : readFileSync(path)),
  }
}

describe('inspectPlace', () => {
  it('has nothing to say of a file that is fit for either way', async () => {
    expect([await say('replace'), await say('in-place')]).toEqual(['', ''])
  })

  it('refuses to replace a file that is mounted by itself, and lets it be written in place (S0-50)', async () => {
    const port = mounted([file, file], '/else')
    expect(await say('replace', port)).toBe(`STORE_UNSAFE ${file} is mounted by itself, so it cannot be replaced: mount its folder, or say \`write: in-place\``)
    expect(await say('in-place', port)).toBe('')
  })

  it('refuses either way where what is mounted is a file that nobody else reads any more', async () => {
    const port = mounted([`${file}//deleted`, file], '/else')
    for (const way of ['replace', 'in-place'] as const) expect(await say(way, port)).toContain('STORE_UNSAFE')
  })

  it('tells of containers that will keep the old content, and of those that do already', async () => {
    expect(await say('replace', mounted(['/var', '/var'], file))).toContain('such a container keeps the old content until it is restarted')
    expect(await say('in-place', mounted(['/var', '/var'], file))).toBe('')
    for (const way of ['replace', 'in-place'] as const) {
      expect(await say(way, mounted(['/var', '/var'], `${file}//deleted`))).toContain('hold an older')
    }
  })

  it('refuses a second name where the file is replaced, and tells of it where it is written in place', async () => {
    linkSync(file, join(folder, 'other'))
    expect(await say('replace')).toContain('STORE_UNSAFE')
    expect(await say('in-place')).toContain('has 2 names (hard links)')
  })

  it('needs the folder to be writable only where the file is replaced', async () => {
    const port: FilePort = {
      ...disk,
      writable: async (path) => {
        if (path === dirname(file)) throw Object.assign(new Error('read-only'), { code: 'EROFS' })
      },
    }
    expect(await say('replace', port)).toBe(`STORE_DENIED ${file}`)
    expect(await say('in-place', port)).toContain('after a kill in the middle of a write nothing can put the old content back')
    for (const way of ['replace', 'in-place'] as const) expect(await say(way, faultyDisk({ writable: 'EACCES' }))).toContain('STORE_DENIED')
  })

  it('needs to own the file only where it is replaced', async () => {
    const port: FilePort = { ...disk, stat: async (path) => Object.assign(await disk.stat(path), { uid: 54_321 }) }
    const { getuid } = process
    Object.assign(process, { getuid: () => 12_345 })
    try {
      expect(await say('replace', port)).toContain('belongs to another user or group')
      expect(await say('in-place', port)).toBe('')
    } finally {
      Object.assign(process, { getuid })
    }
  })
})
