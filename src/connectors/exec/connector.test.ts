import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { processMark } from '../../outside/process/index.ts'
import { callWithin } from '../../testing/call.ts'
import { recorder } from '../../testing/recorder.ts'
import { referenceSuite } from '../../testing/reference.ts'
import { until } from '../../testing/until.ts'
import { openReference } from './index.ts'
import { nameSchema } from './manifest.ts'
import { wordsOf } from './words.ts'

referenceSuite(proving({ connector: 'exec', as: 'reference', on: 'real commands' }), 'exec', () => {
  const base = mkdtempSync(join(tmpdir(), 'keyturn-exec-'))
  const hidden = generate(ALNUM, 12)
  const shell = `sh -c 'printf "%s" "$0" > asked; cat value'`
  return {
    reference: openReference({ base }),
    names: nameSchema,
    name: `${shell} ${hidden}`,
    hidden,
    set: (value) => writeFileSync(join(base, 'value'), `${value}\n`),
    absent: [`no-such-program-${hidden}`, './value', 'cat nowhere', 'true', `sh -c 'printf "\\377"'`, `sh -c 'yes | head -c 70000'`],
    wrong: [' ', '""', 'pass "show', `pass show 'x`, 'pass show \\', 'pass show x | head -n1', 'get $NAME', 'get `id`', 'a;b', 'get\0'],
    noticed: [],
    silent: 'sleep 60',
    close: () => rmSync(base, { recursive: true, force: true }),
  }
})

describe('${exec:...}', () => {
  let base = ''
  beforeEach(() => { base = mkdtempSync(join(tmpdir(), 'keyturn-exec-')) })
  afterEach(() => rmSync(base, { recursive: true, force: true }))
  const resolve = async (name: string, ms = 10_000): Promise<unknown> => {
    const answer = await openReference({ base }).resolve(name, callWithin(ms))
    return answer.is === 'done' ? answer.value.reveal() : answer
  }

  it('hands the words over as they are: no shell reads them (C-01)', async () => {
    const heard = recorder(base, 'heard', 'echo value')
    expect(await resolve(`./heard 'a  b' "c\\"d" e\\ f '$HOME;x' "" ~ *`)).toBe('value')
    const words = heard.seen().split('\n')
    expect(words.slice(words.indexOf('./heard') + 1, words.indexOf('./heard') + 8)).toEqual(['a  b', 'c"d', 'e f', '$HOME;x', '', '~', '*'])
  })

  it('runs in the folder of the manifest with the allow-list for an environment and nothing to read (C-01)', async () => {
    const heard = recorder(base, 'heard', 'pwd')
    const [name, value] = [`KEYTURN_TEST_${generate(ALNUM, 8)}`, generate(ALNUM, 24)]
    process.env[name] = value
    try {
      expect(await resolve('./heard')).toBe(base)
    } finally {
      delete process.env[name]
    }
    expect(heard.seen()).toContain('PATH=')
    expect(heard.seen()).not.toContain(value)
    expect(heard.read()).toBe('\n')
  })

  it('runs at every use: nothing is kept', async () => {
    writeFileSync(join(base, 'count'), '')
    const count = `sh -c 'printf x >> count; wc -c < count'`
    expect([await resolve(count), await resolve(count)].map((text) => String(text).trim())).toEqual(['1', '2'])
  })

  it('is not the output of a command that failed, whose exit code is told and nothing that it printed', async () => {
    const value = generate(ALNUM, 24)
    const failed = await resolve(`sh -c 'echo ${value}; echo ${value} >&2; exit 3'`)
    expect(failed).toMatchObject({ is: 'refused', code: 'COMMAND_FAILED', about: 'exit code 3', evidence: { exit: 3 } })
    expect(JSON.stringify(failed)).not.toContain(value)
    expect(await resolve('nowhere-to-be-found')).toMatchObject({ is: 'refused', code: 'COMMAND_MISSING' })
  })

  it('keeps what it prints on standard error out of the value', async () => {
    expect(await resolve(`sh -c 'echo told >&2; echo value'`)).toBe('value')
  })

  it('ends the command and what it started at the deadline (X-10)', async () => {
    expect(await resolve(`sh -c 'sleep 60 & echo $! > child; wait'`, 400)).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    const child = Number(readFileSync(join(base, 'child'), 'utf8'))
    await until(() => processMark(child) === undefined)
  })

  it('is shown by its program alone', () => {
    const { title } = openReference({ base })
    expect(['pass show db/admin', '/opt/bin/get-admin --key x', 'get-admin', `'my program' x`, 'pass "'].map(title)).toEqual([
      'pass ...', 'get-admin ...', 'get-admin', 'my?program ...', '...',
    ])
  })
})

describe('the words of a command', () => {
  it.each([
    ['pass show db/admin', ['pass', 'show', 'db/admin']],
    ['  a\t b\n  c ', ['a', 'b', 'c']],
    [`a'b c'd`, ['ab cd']],
    [`'a\\b' "a\\b" "a\\\\b" a\\\\b`, ['a\\b', 'a\\b', 'a\\b', 'a\\b']],
    [`"say \\"it\\"" '"' "'" \\"`, ['say "it"', '"', '\'', '"']],
    [`x '' ""y`, ['x', '', 'y']],
    [`op read op://vault/item/field?attribute=otp#x`, ['op', 'read', 'op://vault/item/field?attribute=otp#x']],
    [`sh -c "pass x | head -n 1"`, ['sh', '-c', 'pass x | head -n 1']],
    ['a \\| \\$x', ['a', '|', '$x']],
  ])('%s', (text, words) => {
    expect(wordsOf(text)).toEqual(words)
  })

  it.each([
    ['', 'a program and its arguments, such as `${exec:pass show db/admin}`'],
    [`'' x`, 'a program and its arguments, such as `${exec:pass show db/admin}`'],
    [`a 'b`, 'the quote that closes the one that is open'],
    ['a "b\\"', 'the quote that closes the one that is open'],
    ['a \\', 'a character behind the last backslash, or two of them'],
    ['a > b', 'quotes around `|`, `&`, `;`, `<`, `>`, `$` and backticks: no shell reads them; where one has to, `sh -c \'...\'`'],
    ['a\0', 'a command without a zero byte'],
  ])('%s is none', (text, write) => {
    expect(wordsOf(text)).toEqual({ write })
  })
})
