import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { until } from '../../testing/until.ts'
import { orphanAlive } from './lock.ts'
import { type Question, runOnTerminal, terminalsReady } from './terminal.ts'

/** Asks as getpass does: the terminal itself in raw mode, whatever standard input is. */
const ASKS = `
const { openSync, writeSync, writeFileSync, readFileSync } = require('node:fs')
const { ReadStream } = require('node:tty')
const tty = openSync('/dev/tty', 'r+')
const input = new ReadStream(tty)
input.setRawMode(true)
const words = []
let word = ''
const prompts = ['New password: ', 'Retype new password: ']
writeSync(tty, 'Changing the password of root@the0.\\r\\n\\u001b[1m' + prompts[0] + '\\u001b[0m')
input.on('data', (data) => {
  for (const key of data.toString()) {
    if (key !== '\\r') { word += key; continue }
    words.push(word)
    word = ''
    writeSync(tty, '\\r\\n')
    if (words.length < 2) { writeSync(tty, prompts[1]); continue }
    writeFileSync('took', JSON.stringify(words))
    writeFileSync('seen', readFileSync('/proc/self/cmdline', 'utf8') + readFileSync('/proc/self/environ', 'utf8'))
    writeSync(tty, 'done: ' + words[0] + '\\r\\n')
    process.exit(words[0] === words[1] ? 0 : 3)
  }
})
`

const sh = (script: string): string[] => ['/bin/sh', '-c', script]
const hidden = (prompt: string, answer: string): Question => ({ prompt, answer: new Secret(answer), hidden: true })

describe.runIf(process.platform === 'linux')('a program that asks on its terminal', { timeout: 30_000 }, () => {
  let cwd: string
  let value: string
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'keyturn-terminal-'))
    value = generate(ALNUM, 32)
  })
  afterEach(() => rmSync(cwd, { recursive: true }))

  it('is answered on it; the value is in no command line, in no environment and in no answer (S4-04, C-01, C-33, I11)', async () => {
    writeFileSync(join(cwd, 'admin.cjs'), ASKS)
    const questions = [hidden('New password:', value), hidden('Retype new password:', value)]
    const answer = await runOnTerminal({ argv: [process.execPath, 'admin.cjs'], cwd, questions }, callWithin(20_000))
    expect(answer).toMatchObject({ is: 'done', value: { exit: 0, asked: 2 } })
    expect(JSON.parse(readFileSync(join(cwd, 'took'), 'utf8'))).toEqual([value, value])
    expect(readFileSync(join(cwd, 'seen'), 'utf8')).toContain('admin.cjs')
    for (const text of [readFileSync(join(cwd, 'seen'), 'utf8'), JSON.stringify(answer)]) expect(text).not.toContain(value)
  })

  it('is answered what may be seen where the terminal echoes, and what may not when it no longer does', async () => {
    const script = 'printf "User: "; read user; printf "Password: "; stty -echo; read word; stty echo; printf "%s %s" "$user" "$word" > took'
    const answer = await runOnTerminal({ argv: sh(script), cwd, questions: [{ prompt: 'User:', answer: new Secret('ada'), hidden: false }, hidden('Password:', value)] }, callWithin(20_000))
    expect(answer).toMatchObject({ is: 'done', value: { asked: 2 } })
    expect(readFileSync(join(cwd, 'took'), 'utf8')).toBe(`ada ${value}`)
  })

  const ASK = 'stty -echo; printf "Password: "; read word; printf "%s" "$word" > took'
  it.each<[string, string, Question[], 'refused' | 'unknown', string]>([
    ['a terminal that shows what is typed', 'printf "Password: "; read word; printf "%s" "$word" > took', [], 'refused', 'shows what is typed'],
    ['another question than the first', 'stty -echo; printf "PIN: "; read word', [], 'refused', 'asked something else where question 1'],
    ['a question that is only like it', 'stty -echo; printf "Old Password: "; read word', [], 'refused', 'asked something else'],
    ['no question at all', 'exit 0', [], 'refused', 'ended (exit code 0) before it asked'],
    ['an end with another code before it asks', 'exit 4', [], 'refused', 'ended (exit code 4) before it asked'],
    ['one question more', `${ASK}; printf "Sure? [y/N] "; read word`, [], 'unknown', 'asked more than was expected'],
    ['another one after the first', `${ASK}; printf "Code: "; read word`, [hidden('Again:', 'x')], 'unknown', 'asked something else where question 2'],
    ['another code after it was answered', `${ASK}; exit 5`, [], 'unknown', ''],
  ])('that has %s had no effect exactly when nothing was typed: %s', async (_title, script, more, is, about) => {
    const answer = await runOnTerminal({ argv: sh(script), cwd, questions: [hidden('Password:', value), ...more], patience: 400 }, callWithin(20_000))
    expect(answer).toMatchObject({ is, code: 'COMMAND_FAILED', about: expect.stringContaining(about) as string })
    expect(existsSync(join(cwd, 'took'))).toBe(is === 'unknown')
    expect(JSON.stringify(answer)).not.toContain(value)
  })

  it.each([['before it asks', 'sleep 60', 'refused'], ['after it was answered', `${ASK}; sleep 60`, 'unknown']] as const)('that is not done in time, %s, is ended with what it started (X-10)', async (_title, script, is) => {
    const call = callWithin(is === 'refused' ? 500 : 2_000)
    const answer = await runOnTerminal({ argv: sh(`echo $$ > pid; ${script}; true`), cwd, questions: [hidden('Password:', value)] }, call)
    expect(answer).toMatchObject({ is, code: 'DEADLINE' })
    expect(Date.now()).toBeLessThan(call.deadline + 2_000)
    const pid = readFileSync(join(cwd, 'pid'), 'utf8').trim()
    await until(() => !existsSync(`/proc/${pid}/fd/0`))
  })

  it('is found by a successor under its lock, with what it started, and starts nothing when the deadline has passed (I10)', async () => {
    const lock = join(cwd, 'lock')
    const running = runOnTerminal({ argv: sh(`${ASK}; (while [ ! -e go ]; do sleep 0.05; done) & cat ${lock} > named; wait`), cwd, questions: [hidden('Password:', value)], lock }, callWithin(20_000))
    await until(() => existsSync(join(cwd, 'named')) && readFileSync(join(cwd, 'named'), 'utf8').includes('pid'))
    expect(orphanAlive(lock)).toBe(true)
    writeFileSync(join(cwd, 'go'), '')
    expect(await running).toMatchObject({ is: 'done' })
    expect(existsSync(lock)).toBe(false)
    expect(await runOnTerminal({ argv: sh(ASK), cwd, questions: [] }, { signal: AbortSignal.abort(), deadline: 0 })).toMatchObject({ is: 'refused', code: 'DEADLINE' })
  })

  it('is refused before anything runs where a part is missing: the command, or stty', async () => {
    expect(await runOnTerminal({ argv: ['keyturn-no-such'], cwd, questions: [] }, callWithin(5_000))).toMatchObject({ is: 'refused', code: 'COMMAND_MISSING' })
    expect(await terminalsReady(cwd)).toMatchObject({ is: 'refused', code: 'COMMAND_MISSING', about: expect.stringContaining('stty') as string })
    expect(await terminalsReady(process.env['PATH'] ?? '')).toMatchObject({ is: 'done' })
  })
})
