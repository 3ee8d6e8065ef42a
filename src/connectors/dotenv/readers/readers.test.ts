import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { files, LINES, values } from '../../../../test/fixture/env-files.ts'
import { fitValue } from '../fit.ts'
import { readAll, readAs, READERS } from './index.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-readers-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What the real shell of this machine has after `set -a; . file`. */
function realShell(text: string): Record<string, string> {
  writeFileSync(join(folder, 'file'), text)
  const ran = spawnSync('/bin/sh', ['-c', 'set -a; . ./file >/dev/null 2>&1; exec /usr/bin/env -0'], { cwd: folder, env: {} })
  const lines = ran.stdout.toString().split('\0').filter((line) => line !== '')
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

describe('readAs', () => {
  it.each(LINES)('reads %j as each reader does', (line, expected) => {
    expect(Object.fromEntries(READERS.map((reader) => [reader, readAs(reader, line, 'A')]))).toEqual(expected)
  })

  it('reads any text as the real shell of this machine does, wherever it says that it knows', () => {
    let known = 0
    fc.assert(
      fc.property(files, (file) => {
        const readings = readAll('sh', file)
        if (readings === undefined) return
        known += 1
        const { PWD: _folder, OLDPWD: _older, SHLVL: _level, _: _last, ...real } = realShell(file)
        const sure = [...readings].filter(([, value]) => value !== null)
        const moving = [...readings.keys()].filter((key) => readings.get(key) === null)
        const seen = Object.entries(real).filter(([key]) => !moving.includes(key))
        expect(Object.fromEntries(sure)).toEqual(Object.fromEntries(seen))
      }),
      { numRuns: 400 },
    )
    expect(known).toBeGreaterThan(50)
  })

  it('never fails, whatever the file holds', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 60 })
    const property = fc.property(anything, fc.constantFrom(...READERS), (file, reader) => void readAll(reader, file))
    expect(fc.check(property).counterexample).toBeNull()
  })
})

describe('fitValue', () => {
  it('writes what the real shell reads back exactly (C-14)', () => {
    let written = 0
    fc.assert(
      fc.property(values, (given) => {
        const fit = fitValue('OTHER=1\n', 'A', given, ['sh'])
        if ('unread' in fit) return
        written += 1
        expect(realShell(Buffer.from(fit.text, 'latin1').toString('utf8'))).toMatchObject({ A: given, OTHER: '1' })
      }),
      { numRuns: 400 },
    )
    expect(written).toBeGreaterThan(200)
  })

  it('writes what Node itself reads back exactly (`node --env-file`), when all readers can', () => {
    fc.assert(
      fc.property(values, (given) => {
        const fit = fitValue('', 'A', given, READERS)
        fc.pre('text' in fit)
        const written = 'text' in fit ? fit.text : ''
        expect(parseEnv(Buffer.from(written, 'latin1').toString('utf8'))['A']).toBe(given)
      }),
      { numRuns: 2000 },
    )
  })

  it('writes letters, digits and what URLs are made of for all readers, without quotes', () => {
    const plain = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.~/:@%+=?,'), maxLength: 40 }).map((all) => `x${all}`)
    fc.assert(
      fc.property(plain, (given) => {
        fc.pre(!given.includes(':~'))
        expect(fitValue('', 'A', given, READERS)).toEqual({ text: `A=${given}\n` })
      }),
    )
  })

  it.each([
    ['a b', `A='a b'\n`],
    ['a&b', `A='a&b'\n`],
    ['a$b', `A='a$b'\n`],
    ['it\'s', `A="it's"\n`],
    ['say "hi"', `A='say "hi"'\n`],
    ['#1', `A='#1'\n`],
    ['one\ntwo', `A='one\ntwo'\n`],
  ])('quotes %j so that all four read it', (given, line) => {
    expect(fitValue('', 'A', given, READERS)).toEqual({ text: line })
  })

  it.each(['a\'b"c', '${x}', 'a\\\\b', '$\'`'])('names readers that cannot read %j; without them it fits', (given) => {
    const fit = fitValue('', 'A', given, READERS)
    const unread = 'unread' in fit ? fit.unread : []
    expect(unread.length).toBeGreaterThan(0)
    expect(fitValue('', 'A', given, READERS.filter((reader) => !unread.includes(reader)))).toHaveProperty('text')
  })

  it.each(['a\0b', 'a\ud800b'])('names every reader for %j, which no environment holds', (given) => {
    for (const reader of READERS) expect(fitValue('', 'A', given, [reader])).toEqual({ unread: [reader] })
  })

  it('leaves what it cannot read to the readers that were not declared', () => {
    expect(fitValue('', 'A', 'a\'b"c', ['compose', 'python', 'sh'])).toEqual({ text: 'A="a\'b\\"c"\n' })
    expect(fitValue('', 'A', 'a\\b`$c', ['sh'])).toEqual({ text: 'A=\'a\\b`$c\'\n' })
  })
})
