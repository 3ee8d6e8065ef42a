import { chmodSync, existsSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mountFile } from '../../../test/fixture/mounted-file.ts'
import type { Answer } from '../../kit/answer.ts'
import { type DiskStep, faultyDisk } from '../../testing/disk.ts'
import { overwriteFile } from './overwrite.ts'
import { disk, type FilePort } from './port.ts'
import { replaceFile } from './replace.ts'
import { tempOf } from './target.ts'
import { tidyFile } from './tidy.ts'
import { isTorn, readBoth, writeBoth } from './torn.ts'

const OLD = 'old content, rather long'
const NEW = 'NEW CONTENT'
let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-overwrite-'))
  file = join(folder, 'key.json')
  writeFileSync(file, OLD, { mode: 0o640 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function overwrite(port: FilePort = disk, signal = new AbortController().signal, content = NEW): Promise<Answer<void>> {
  return overwriteFile({ path: file, content: Buffer.from(content), still: (now) => now.toString() === OLD, signal }, port)
}

/** Happens the first time only. */
function once(act: () => void): () => void {
  let left = 1
  return () => {
    left -= 1
    if (left === 0) act()
  }
}

function fail(errno: string): () => void {
  return once(() => {
    throw Object.assign(new Error(errno), { code: errno })
  })
}

function expectUntouched(): void {
  expect(readFileSync(file, 'utf8')).toBe(OLD)
  expect(readdirSync(folder)).toEqual(['key.json'])
}

describe('overwriteFile', () => {
  it('writes into the file that is there, durably, and leaves nothing beside it', async () => {
    const { ino, mode, uid, gid } = statSync(file)
    const steps: string[] = []
    const order = ['write', 'sync', 'sync-folder', 'overwrite', 'cut', 'sync-edit', 'remove'] as const
    const noted = Object.fromEntries(order.map((step) => [step, (): void => void steps.push(step)]))
    expect(await overwrite(faultyDisk(noted))).toEqual({ is: 'done', value: undefined })
    expect(readFileSync(file, 'utf8')).toBe(NEW)
    expect(statSync(file)).toMatchObject({ ino, mode, uid, gid })
    expect(readdirSync(folder)).toEqual(['key.json'])
    expect(steps).toEqual(order)
  })

  it('holds a longer content whole', async () => {
    const longer = 'x'.repeat(100_000)
    expect((await overwrite(disk, undefined, longer)).is).toBe('done')
    expect(readFileSync(file, 'utf8')).toBe(longer)
  })

  it('keeps both contents where nobody else may read them, whatever the mode of the file', async () => {
    chmodSync(file, 0o664)
    const modes: number[] = []
    const look = (): void => void modes.push(statSync(tempOf(file)).mode & 0o777)
    await overwrite(faultyDisk({ write: look, overwrite: look }))
    expect(modes).toEqual([0o600, 0o600])
  })

  it('changes what all names of the file have, and follows a link to it', async () => {
    linkSync(file, join(folder, 'other'))
    symlinkSync('key.json', join(folder, 'link'))
    const content = Buffer.from(NEW)
    const answer = await overwriteFile({ path: join(folder, 'link'), content, still: () => true, signal: new AbortController().signal })
    expect(answer.is).toBe('done')
    expect(readFileSync(join(folder, 'other'), 'utf8')).toBe(NEW)
  })

  it.each<[DiskStep, string, string]>([
    ['read', 'EACCES', 'STORE_DENIED'],
    ['create', 'ENOSPC', 'STORE_FULL'],
    ['half-write', 'ENOSPC', 'STORE_FULL'],
    ['sync', 'EIO', 'STORE_DENIED'],
    ['edit', 'EACCES', 'STORE_DENIED'],
    ['edit', 'EROFS', 'STORE_DENIED'],
  ])('refuses when %s fails with %s, the old content untouched and nothing left: %s', async (step, errno, code) => {
    expect(await overwrite(faultyDisk({ [step]: errno }))).toMatchObject({ is: 'refused', code, evidence: { errno } })
    expectUntouched()
  })

  it.each<[DiskStep, string]>([['half-overwrite', 'ENOSPC'], ['cut', 'EIO'], ['sync-edit', 'EIO']])(
    'puts the old content back when %s fails with %s',
    async (step, errno) => {
      expect(await overwrite(faultyDisk({ [step]: fail(errno) }))).toMatchObject({ is: 'refused', evidence: { errno } })
      expectUntouched()
    },
  )

  it('does not know what is there when the old content cannot be put back; tidyFile mends it', async () => {
    expect(await overwrite(faultyDisk({ 'half-overwrite': 'killed' }))).toMatchObject({ is: 'unknown' })
    expect(readFileSync(file, 'utf8')).toBe('NEW C' + OLD.slice(5))
    expect((await tidyFile(file)).is).toBe('done')
    expectUntouched()
  })

  it('keeps the copy while it does not know what is there', async () => {
    expect(await overwrite(faultyDisk({ 'half-overwrite': 'EIO' }))).toMatchObject({ is: 'unknown' })
    expect(existsSync(tempOf(file))).toBe(true)
  })

  const kills: DiskStep[] = ['half-write', 'sync', 'edit', 'overwrite', 'half-overwrite', 'cut', 'sync-edit', 'remove']
  it.each(kills)('killed at %s: after tidyFile the old content or the new, whole, nothing beside it', async (step) => {
    await overwrite(faultyDisk({ [step]: 'killed' }))
    expect(existsSync(tempOf(file))).toBe(true)
    for (let time = 0; time < 2; time += 1) expect(await tidyFile(file)).toEqual({ is: 'done', value: undefined })
    expect([OLD, NEW]).toContain(readFileSync(file, 'utf8'))
    expect(readdirSync(folder)).toEqual(['key.json'])
  })

  it('after a kill a person\'s repair stays', async () => {
    await overwrite(faultyDisk({ 'half-overwrite': 'killed' }))
    writeFileSync(file, 'mended by hand')
    expect((await tidyFile(file)).is).toBe('done')
    expect(readFileSync(file, 'utf8')).toBe('mended by hand')
    expect(readdirSync(folder)).toEqual(['key.json'])
  })

  it('writes without a copy where nothing may be made in the folder', async () => {
    expect((await overwrite(faultyDisk({ create: 'EROFS' }))).is).toBe('done')
    expect(readFileSync(file, 'utf8')).toBe(NEW)
  })

  it('refuses with CONFLICT what was saved meanwhile, and while another writer is at work', async () => {
    const edit = (): void => writeFileSync(file, 'edited by a person')
    expect(await overwrite(faultyDisk({ edit }))).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    expect(readFileSync(file, 'utf8')).toBe('edited by a person')
    expect(readdirSync(folder)).toEqual(['key.json'])
    writeFileSync(tempOf(file), 'of another')
    expect(await overwrite()).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    expect(readFileSync(tempOf(file), 'utf8')).toBe('of another')
  })

  it('refuses with CONFLICT what is not the old content that lies beside it, whatever the caller thinks of it', async () => {
    const port = faultyDisk({ edit: () => writeFileSync(file, 'edited by a person') })
    const anything = { path: file, content: Buffer.from(NEW), still: () => true, signal: new AbortController().signal }
    expect(await overwriteFile(anything, port)).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    expect(readFileSync(file, 'utf8')).toBe('edited by a person')
  })

  it('refuses after the deadline, before anything is written', async () => {
    const past = new AbortController()
    expect(await overwrite(faultyDisk({ edit: () => past.abort() }), past.signal)).toMatchObject({ is: 'refused', code: 'DEADLINE' })
    expectUntouched()
  })

  it('writes a file that is mounted by itself, which cannot be replaced, and both sides see it (S0-50)', async () => {
    const container = await mountFile(file, file)
    const module = (name: string): string => pathToFileURL(join(import.meta.dirname, name)).href
    const script = `import { overwriteFile } from '${module('overwrite.ts')}'
      import { replaceFile } from '${module('replace.ts')}'
      const what = { path: ${JSON.stringify(file)}, content: Buffer.from('${NEW}'), still: () => true, signal: AbortSignal.timeout(10_000) }
      console.log(JSON.stringify([await replaceFile(what), await overwriteFile(what)]))`
    // Without the right to mount, the port says what the kernel would.
    const busy = faultyDisk({ rename: 'EBUSY' })
    const what = { path: file, content: Buffer.from(NEW), still: (): boolean => true, signal: new AbortController().signal }
    const answers: unknown =
      container === undefined ? [await replaceFile(what, busy), await overwriteFile(what, busy)] : JSON.parse(await container.run(script))
    expect(answers).toEqual([{ is: 'refused', code: 'STORE_DENIED', about: file, evidence: { errno: 'EBUSY' } }, { is: 'done' }])
    expect(readFileSync(file, 'utf8')).toBe(NEW)
    expect(container?.read(file) ?? NEW).toBe(NEW)
    expect(readdirSync(folder)).toEqual(['key.json'])
  })
})

describe('isTorn', () => {
  const bytes = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 }).map((text) => Buffer.from(text))

  it('knows every content that a killed write can leave', () => {
    const law = fc.property(bytes, bytes, fc.nat(12), (old, next, at) => {
      const left = Buffer.concat([next.subarray(0, at), old.subarray(Math.min(at, next.length))])
      return isTorn(left, { old, new: next }) || left.equals(old) || left.equals(next)
    })
    expect(fc.check(law, { numRuns: 2000 }).counterexample).toBeNull()
  })

  it('knows that the old, the new and what somebody wrote are none', () => {
    const both = { old: Buffer.from('one'), new: Buffer.from('twenty') }
    for (const text of ['one', 'twenty', 'tx', 'threee', 'longer than both']) expect(isTorn(Buffer.from(text), both)).toBe(false)
    expect(isTorn(Buffer.from('twe'), both)).toBe(true)
  })

  it('is asked only about a copy that is whole', () => {
    const both = { old: Buffer.from([0, 255, 10]), new: Buffer.from('x') }
    const whole = writeBoth(both)
    expect(readBoth(whole)).toEqual(both)
    for (let length = 0; length < whole.length; length += 1) expect(readBoth(whole.subarray(0, length))).toBeUndefined()
    expect(readBoth(Buffer.from('{"old":"","new":""}'))).toBeUndefined()
  })
})
