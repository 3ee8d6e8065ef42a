import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { callWithin } from '../../testing/call.ts'
import { referenceSuite } from '../../testing/reference.ts'
import { openReference } from './index.ts'
import { nameSchema } from './manifest.ts'

referenceSuite(proving({ connector: 'file', as: 'reference', on: 'real files' }), 'file', () => {
  const base = mkdtempSync(join(tmpdir(), 'keyturn-file-reference-'))
  mkdirSync(join(base, 'folder'))
  writeFileSync(join(base, 'large'), 'x'.repeat(64 * 1024 + 1))
  writeFileSync(join(base, 'latin1'), Buffer.from([0x67, 0xfc, 0x6e]))
  execFileSync('mkfifo', [join(base, 'pipe')])
  const noticed: string[] = []
  return {
    reference: openReference({ base, notice: (text) => { noticed.push(text) } }),
    names: nameSchema,
    name: 'a folder/../token',
    set: (value) => {
      mkdirSync(join(base, 'a folder'), { recursive: true })
      writeFileSync(join(base, 'token'), `${value}\n`)
    },
    absent: ['nowhere', 'folder', 'folder/nowhere', 'token/below', 'large', 'latin1', 'pipe', '~nobody/token'],
    wrong: [' token', 'token ', 'token\n', 'folder/', 'to\0ken'],
    noticed,
    close: () => rmSync(base, { recursive: true, force: true }),
  }
})

describe('${file:...}', () => {
  let base = ''
  const noticed: string[] = []
  const resolve = async (name: string): Promise<unknown> => {
    const answer = await openReference({ base, notice: (text) => { noticed.push(text) } }).resolve(name, callWithin(10_000))
    return answer.is === 'done' ? answer.value.reveal() : answer
  }
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'keyturn-file-reference-'))
    noticed.length = 0
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))

  it('drops one newline at the end and nothing else', async () => {
    const value = generate(ALNUM, 24)
    for (const [end, left] of [['', ''], ['\n', ''], ['\r\n', ''], ['\n\n', '\n'], ['\r\n\r\n', '\r\n'], ['\r', '\r'], [' \n', ' ']] as const) {
      writeFileSync(join(base, 'token'), `${value}${end}`)
      expect(await resolve('token')).toBe(`${value}${left}`)
    }
  })

  it('starts at the folder of the manifest, takes an absolute path too, and follows links', async () => {
    const value = generate(ALNUM, 24)
    mkdirSync(join(base, 'secrets'))
    writeFileSync(join(base, 'secrets', 'token'), value)
    symlinkSync('secrets/token', join(base, 'link'))
    for (const name of ['secrets/token', './secrets/token', join(base, 'secrets/token'), 'link']) expect(await resolve(name)).toBe(value)
  })

  it('tells of a file that every user of the machine may read, and takes it', async () => {
    const value = generate(ALNUM, 24)
    const file = join(base, 'token')
    writeFileSync(file, value)
    for (const [mode, told] of [[0o600, 0], [0o640, 0], [0o400, 0], [0o604, 1], [0o644, 1], [0o444, 1]] as const) {
      noticed.length = 0
      chmodSync(file, mode)
      expect(await resolve('token')).toBe(value)
      expect(noticed).toEqual(told === 0 ? [] : [`${file} can be read by every user of this machine: chmod o-r`])
    }
  })

  it.each([
    ['nowhere', 'the file cannot be read (ENOENT)'],
    ['.', 'it is a folder'],
    ['large', 'the file is larger than 64 KiB'],
    ['pipe', 'it is no regular file'],
    ['latin1', 'the file holds what is no text (UTF-8)'],
    ['newline', 'the file is empty'],
  ])('says what is wrong with %s', async (name, about) => {
    writeFileSync(join(base, 'large'), 'x'.repeat(64 * 1024 + 1))
    writeFileSync(join(base, 'latin1'), Buffer.from([0x67, 0xfc, 0x6e]))
    writeFileSync(join(base, 'newline'), '\n')
    execFileSync('mkfifo', [join(base, 'pipe')])
    expect(await resolve(name)).toEqual({ is: 'refused', code: 'REFERENCE_UNRESOLVED', about })
  })
})
