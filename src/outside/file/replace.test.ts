import { spawnSync } from 'node:child_process'
import {
  chmodSync, chownSync, existsSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync,
  rmSync, statSync, symlinkSync, writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Answer } from '../../kit/answer.ts'
import { type DiskStep, faultyDisk } from '../../testing/disk.ts'
import { disk, type FilePort } from './port.ts'
import { replaceFile } from './replace.ts'
import { tempOf } from './target.ts'
import { tidyFile } from './tidy.ts'

const isRoot = process.getuid?.() === 0
const live = new AbortController().signal
let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-file-'))
  file = join(folder, '.env')
  writeFileSync(file, 'old content', { mode: 0o640 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function replace(port: FilePort = disk, path: string = file, signal: AbortSignal = live): Promise<Answer<void>> {
  const still = (current: Buffer): boolean => current.toString() === 'old content'
  return replaceFile({ path, content: Buffer.from('new content, longer'), still, signal }, port)
}

/** The disk, on which the file belongs to somebody else. */
function ofAnother(port: FilePort): FilePort {
  return { ...port, stat: async (path) => Object.assign(await port.stat(path), path === file ? { uid: 12_345 } : {}) }
}

function expectUntouched(): void {
  expect(readFileSync(file, 'utf8')).toBe('old content')
  expect(readdirSync(folder)).toEqual(['.env'])
}

describe('replaceFile', () => {
  it('puts the new content in place, durably, and leaves nothing beside it', async () => {
    const steps: string[] = []
    const order = ['write', 'sync', 'rename', 'sync-folder'] as const
    const noted = Object.fromEntries(order.map((step) => [step, (): void => void steps.push(step)]))
    expect(await replace(faultyDisk(noted))).toEqual({ is: 'done', value: undefined })
    expect(readFileSync(file, 'utf8')).toBe('new content, longer')
    expect(readdirSync(folder)).toEqual(['.env'])
    expect(steps).toEqual(order)
  })

  it('keeps the mode, also with a narrow umask, and never has the content in a file that others can read', async () => {
    chmodSync(file, 0o664)
    const modes: number[] = []
    const look = (): void => void modes.push(statSync(tempOf(file)).mode & 0o777)
    await replace(faultyDisk({ write: look, own: look, mode: look }))
    expect(new Set(modes)).toEqual(new Set([0o600]))
    expect(statSync(file).mode & 0o7777).toBe(0o664)
  })

  it('keeps the owner', async () => {
    if (isRoot) chownSync(file, 12_345, 23_456)
    const { uid, gid } = statSync(file)
    expect((await replace()).is).toBe('done')
    expect(statSync(file)).toMatchObject({ uid, gid })
  })

  it('refuses when the owner cannot be kept', async () => {
    expect(await replace(ofAnother(faultyDisk({ own: 'EPERM' })))).toMatchObject({ is: 'refused', code: 'STORE_DENIED' })
    expectUntouched()
  })

  it('replaces the file behind links and leaves the links', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')]
    symlinkSync('.env', one)
    symlinkSync(one, two)
    expect((await replace(disk, two)).is).toBe('done')
    expect(lstatSync(one).isSymbolicLink() && lstatSync(two).isSymbolicLink()).toBe(true)
    expect(lstatSync(file).isFile()).toBe(true)
    expect(readFileSync(two, 'utf8')).toBe('new content, longer')
  })

  it('refuses what is no regular file, what has a second name, and what is missing', async () => {
    mkdirSync(join(folder, 'sub'))
    expect(await replace(disk, join(folder, 'sub'))).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
    spawnSync('mkfifo', [join(folder, 'pipe')])
    expect(await replace(disk, join(folder, 'pipe'))).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
    symlinkSync('loop', join(folder, 'loop'))
    expect(await replace(disk, join(folder, 'loop'))).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
    expect(await replace(disk, join(folder, 'none'))).toMatchObject({ is: 'refused', code: 'STORE_MISSING' })
    linkSync(file, join(folder, 'second'))
    expect(await replace()).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
    expect(readFileSync(file, 'utf8')).toBe('old content')
  })

  it.each<[DiskStep, string, string]>([
    ['create', 'ENOSPC', 'STORE_FULL'],
    ['half-write', 'ENOSPC', 'STORE_FULL'],
    ['write', 'EDQUOT', 'STORE_FULL'],
    ['sync', 'ENOSPC', 'STORE_FULL'],
    ['create', 'EACCES', 'STORE_DENIED'],
    ['create', 'EROFS', 'STORE_DENIED'],
    ['mode', 'EPERM', 'STORE_DENIED'],
    ['read', 'EACCES', 'STORE_DENIED'],
    ['rename', 'EBUSY', 'STORE_DENIED'],
    ['rename', 'ENOSPC', 'STORE_FULL'],
  ])('refuses when %s fails with %s, the old content untouched and nothing left: %s', async (step, errno, code) => {
    expect(await replace(faultyDisk({ [step]: errno }))).toMatchObject({ is: 'refused', code, evidence: { errno } })
    expectUntouched()
  })

  it('refuses on a disk that is really full, the old content untouched', async () => {
    const mounted = join(folder, 'small')
    mkdirSync(mounted)
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', mounted])
    // Without the right to mount, the port says what the kernel would.
    const big = Buffer.alloc(64 * 1024, 'x')
    const path = mount.status === 0 ? join(mounted, '.env') : file
    try {
      writeFileSync(path, 'old content')
      const port = mount.status === 0 ? disk : faultyDisk({ 'half-write': 'ENOSPC' })
      const answer = await replaceFile({ path, content: big, still: () => true, signal: new AbortController().signal }, port)
      expect(answer).toMatchObject({ is: 'refused', code: 'STORE_FULL' })
      expect(readFileSync(path, 'utf8')).toBe('old content')
      expect(existsSync(tempOf(path))).toBe(false)
    } finally {
      if (mount.status === 0) spawnSync('umount', [mounted])
    }
  })

  it('does not know whether it happened when the rename or the folder fails in an unknown way', async () => {
    expect(await replace(faultyDisk({ rename: 'EIO' }))).toMatchObject({ is: 'unknown' })
    await tidyFile(file)
    expect(await replace(faultyDisk({ 'sync-folder': 'EIO' }))).toMatchObject({ is: 'unknown' })
  })

  it('refuses with CONFLICT what was saved after the new content was prepared', async () => {
    const answer = await replace(faultyDisk({ sync: () => writeFileSync(file, 'edited by a person') }))
    expect(answer).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    expect(readFileSync(file, 'utf8')).toBe('edited by a person')
    expect(readdirSync(folder)).toEqual(['.env'])
  })

  it('refuses with CONFLICT when the mode was made narrower meanwhile', async () => {
    const answer = await replace(faultyDisk({ sync: () => chmodSync(file, 0o600) }))
    expect(answer).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expectUntouched()
  })

  it('refuses with CONFLICT while another writer is at work, and leaves its file alone', async () => {
    writeFileSync(tempOf(file), 'of another')
    expect(await replace()).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    expect(readFileSync(tempOf(file), 'utf8')).toBe('of another')
    expect(readFileSync(file, 'utf8')).toBe('old content')
  })

  it('never puts a temp file of another writer in place', async () => {
    const swap = (): void => {
      // Made before the old one is taken away, so that it cannot get the number of the old.
      writeFileSync(join(folder, 'x'), 'half of ano')
      rmSync(tempOf(file))
      linkSync(join(folder, 'x'), tempOf(file))
    }
    expect(await replace(faultyDisk({ sync: swap }))).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    expect(readFileSync(file, 'utf8')).toBe('old content')
    expect(readFileSync(tempOf(file), 'utf8')).toBe('half of ano')
  })

  it('does not write through a link that somebody planted as the temp file', async () => {
    const victim = join(folder, 'victim')
    writeFileSync(victim, 'mine')
    symlinkSync(victim, tempOf(file))
    expect((await replace()).is).toBe('refused')
    expect(readFileSync(victim, 'utf8')).toBe('mine')
  })

  it('refuses after the deadline, before the rename', async () => {
    const past = new AbortController()
    const answer = await replace(faultyDisk({ sync: () => past.abort() }), file, past.signal)
    expect(answer).toMatchObject({ is: 'refused', code: 'DEADLINE' })
    expectUntouched()
  })

  const kills: DiskStep[] = ['half-write', 'sync', 'rename', 'sync-folder']
  it.each(kills)('killed at %s: old or new, whole; tidyFile takes away what is left', async (step) => {
    await replace(faultyDisk({ [step]: 'killed' }))
    expect(['old content', 'new content, longer']).toContain(readFileSync(file, 'utf8'))
    expect(existsSync(tempOf(file))).toBe(step !== 'sync-folder')
    for (let time = 0; time < 2; time += 1) expect(await tidyFile(file)).toEqual({ is: 'done', value: undefined })
    expect(readdirSync(folder)).toEqual(['.env'])
  })
})

describe('tidyFile', () => {
  it('is done when the file is not there at all', async () => {
    expect(await tidyFile(join(folder, 'none'))).toEqual({ is: 'done', value: undefined })
  })

  it('says so when it may not', async () => {
    writeFileSync(tempOf(file), 'left')
    expect(await tidyFile(file, faultyDisk({ remove: 'EACCES' }))).toMatchObject({ is: 'refused', code: 'STORE_DENIED' })
  })
})
