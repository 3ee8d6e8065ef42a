import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasReference, referencesOf, resolveReference } from './reference.ts'

const value = randomBytes(12).toString('hex')
let base = ''
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'keyturn-reference-'))
  writeFileSync(join(base, 'token'), `${value}\n`)
  writeFileSync(join(base, 'two-lines'), `${value}\r\n\r\n`)
  writeFileSync(join(base, 'empty'), '\n')
})
afterAll(() => rmSync(base, { recursive: true }))

const resolved = async (text: string, env: Record<string, string> = {}): Promise<string> =>
  (await resolveReference(text, { env, base })).reveal()

describe('a reference', () => {
  it('to an environment variable is its value at the moment of use (X-14)', async () => {
    const env = { ADMIN: value }
    expect(await resolved('${env:ADMIN}', env)).toBe(value)
    env.ADMIN = 'another'
    expect(await resolved('${env:ADMIN}', env)).toBe('another')
  })

  it('to a file is its content without the last newline, from the folder of the manifest (X-14)', async () => {
    expect(await resolved('${file:token}')).toBe(value)
    expect(await resolved('${file:two-lines}')).toBe(`${value}\r\n`)
    expect(await resolved(`\${file:${join(base, 'token')}}`)).toBe(value)
  })

  it('may stand in a text with others, and what it brings in is not resolved again', async () => {
    const env = { USER: 'keeper', WORD: '${env:USER}' }
    expect(await resolved('postgres://${env:USER}:${file:token}@db/${env:WORD}', env)).toBe(
      `postgres://keeper:${value}@db/\${env:USER}`,
    )
  })

  it('is none without a scheme: such a text stays as it is', async () => {
    expect(hasReference('${HOME} {password} $$')).toBe(false)
    expect(await resolved('${HOME} {password}')).toBe('${HOME} {password}')
    expect(referencesOf('a ${env:B} ${vault:c/d}').map(({ text, scheme, name, at }) => [text, scheme, name, at])).toEqual([
      ['${env:B}', 'env', 'B', 2],
      ['${vault:c/d}', 'vault', 'c/d', 11],
    ])
  })

  it.each([
    ['${env:ABSENT}', 'not set'],
    ['${env:EMPTY}', 'empty'],
    ['${env:toString}', 'not set'],
    ['${file:absent}', 'cannot be read'],
    ['${file:empty}', 'empty'],
    ['${vault:x}', 'none of env, file'],
  ])('%s that does not resolve is named, and no value with it', async (text, why) => {
    const failed = resolved(`${value} \${env:GIVEN} ${text}`, { EMPTY: '', GIVEN: value })
    await expect(failed).rejects.toMatchObject({ code: 'REFERENCE_UNRESOLVED', about: expect.stringContaining(text) })
    await expect(failed).rejects.toThrow(why)
    await expect(failed).rejects.not.toThrow(value)
  })
})
