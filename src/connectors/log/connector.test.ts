import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Answer } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Check, CheckResult } from '../../kit/check.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type CheckFault, checkSuite, type CheckWorld } from '../../testing/check.ts'
import { valueOf } from '../../testing/consumer.ts'
import { recorder } from '../../testing/recorder.ts'
import { openCheck } from './index.ts'
import { checkSchema } from './manifest.ts'

const folderOf = (): string => mkdtempSync(join(tmpdir(), 'keyturn-log-'))
const hostOf = (base: string): Host => ({ base, now: () => Date.now(), resolve: async (text) => new Secret(text), conceal: () => undefined })
const open = (folder: string, config: object): Check => openCheck(checkSchema.parse(config), hostOf(folder))
const line = (text: string, at = Date.now()): string => `${new Date(at).toISOString()} ${text}\n`

const prefix = String.raw`^\S+ `
const errors = { lines: '^ERROR ', example: 'ERROR auth: refused', atMost: 0 }
const ready = { lines: '^INFO listening$', example: 'INFO listening', atLeast: 1 }

async function fileWorld(bound: object): Promise<CheckWorld> {
  const folder = folderOf()
  const file = join(folder, 'app.log')
  const shown = generate(ALNUM, 32)
  writeFileSync(file, line(`ERROR old ${shown}`) + line(`INFO all is well ${shown}`))
  const config = { sources: [{ file: 'app.log', prefix }], expect: { errors: { ...errors, ...bound } } }
  return {
    check: open(folder, config),
    wrong: open(folder, { ...config, expect: { ready } }),
    shown: [shown],
    worsen: () => appendFileSync(file, line(`ERROR one ${shown}`) + line(`ERROR two ${shown}`)),
    break: (fault) => {
      rmSync(file)
      if (fault === 'error') mkdirSync(file)
      else if (fault !== 'gone') execFileSync('mkfifo', [file])
    },
    close: async () => rmSync(folder, { recursive: true }),
  }
}

async function commandWorld(run: readonly string[]): Promise<CheckWorld> {
  const folder = folderOf()
  const log = join(folder, 'printed')
  const shown = generate(ALNUM, 32)
  writeFileSync(log, line(`INFO long ago ${shown}`, Date.now() - 7_200_000))
  const faulty = 'case $(cat fault 2>/dev/null) in slow) exec sleep 60;; error) exit 70;; reset) kill -9 $$;; esac'
  const command = recorder(folder, 'logs', `cd '${folder}'; ${faulty}\ncat printed; head -n1 printed >&2`)
  const config = { sources: [{ run: [command.path, ...run], prefix }], expect: { errors } }
  return {
    check: open(folder, config),
    wrong: open(folder, { ...config, expect: { ready } }),
    shown: [shown],
    worsen: () => appendFileSync(log, line(`ERROR one ${shown}`)),
    break: (fault: CheckFault) => (fault === 'gone' ? rmSync(command.path) : writeFileSync(join(folder, 'fault'), fault)),
    close: async () => rmSync(folder, { recursive: true }),
  }
}

describe.runIf(process.platform === 'linux')('log', () => {
  checkSuite(proving({ connector: 'log', as: 'check', on: 'real files and commands' }), 'log of a file', () => fileWorld({}))
  checkSuite(proving({ connector: 'log', as: 'check', on: 'real files and commands' }), 'log of a file against the time before', () => fileWorld({ atMost: undefined, atMostMore: 0 }))
  checkSuite(proving({ connector: 'log', as: 'check', on: 'real files and commands' }), 'log of a command that is told the time', () => commandWorld(['--since', '{since}']))
  checkSuite(proving({ connector: 'log', as: 'check', on: 'real files and commands' }), 'log of a command whose lines say when', () => commandWorld(['--no-tail']))
})

describe('a log check', () => {
  let folder: string
  beforeEach(() => {
    folder = folderOf()
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const write = (name: string, text: string): void => appendFileSync(join(folder, name), text)
  const seen = (answer: Answer<CheckResult>): string => {
    const { verdict, evidence } = valueOf(answer)
    return [verdict, evidence['unmet'] ?? evidence['cause']].filter((word) => word !== undefined).join(' ')
  }
  /** Looks before a change, lets it happen, and looks after it. */
  const through = async (config: object, change: () => void, ago = 0): Promise<string> => {
    const check = open(folder, config)
    const first = valueOf(await check.run(callWithin(10_000)))
    if (first.verdict !== 'pass') return `before: ${first.verdict} ${first.evidence['cause']}`
    const since = { at: Date.now() - ago, before: first.evidence }
    change()
    return seen(await check.run(callWithin(10_000), undefined, since))
  }
  const sources = [{ file: 'backend.log', prefix }, { file: 'worker.log', prefix }]

  it('does not count what was there before, nor what only looks like it (C-28)', async () => {
    const auth = { lines: ['^(?:WARN|ERROR) auth: ', String.raw`^\S+ 40[13] `], example: ['ERROR auth: refused', '/login 401 12ms'], atMost: 0 }
    write('backend.log', line('ERROR auth: refused') + line('/login 401 12ms'))
    write('worker.log', line('ERROR auth: refused'))
    const harmless = (): void => write('backend.log', line('INFO author 401 saved') + line('INFO authenticated ok, request 40112'))
    expect(await through({ sources, expect: { auth } }, harmless)).toBe('pass')
    expect(await through({ sources, expect: { auth } }, () => write('backend.log', line('/login 401 12ms')))).toBe('fail auth:atMost')
  })

  it('looks at every source: the worker too (C-28)', async () => {
    for (const name of ['backend.log', 'worker.log']) write(name, line('INFO listening'))
    expect(await through({ sources, expect: { errors } }, () => write('worker.log', line('ERROR x')))).toBe('fail errors:atMost')
    const one = (): void => write('backend.log', line('INFO listening'))
    expect(await through({ sources, expect: { ready } }, one)).toBe('fail ready:atLeast')
    const both = (): void => ['backend.log', 'worker.log'].forEach((name) => write(name, line('INFO listening')))
    expect(await through({ sources, expect: { ready } }, both)).toBe('pass')
  })

  it('says that too many lines stay too many, and that missing ones may come (S1-29)', async () => {
    for (const name of ['backend.log', 'worker.log']) write(name, line('INFO x'))
    const check = open(folder, { sources, expect: { errors, ready } })
    const since = { at: Date.now(), before: valueOf(await check.run(callWithin(10_000))).evidence }
    expect(valueOf(await check.run(callWithin(10_000), undefined, since))).toMatchObject({ verdict: 'fail', evidence: { unmet: 'ready:atLeast' } })
    expect(valueOf(await check.run(callWithin(10_000), undefined, since)).final).toBeUndefined()
    write('worker.log', line('ERROR x'))
    expect(valueOf(await check.run(callWithin(10_000), undefined, since))).toMatchObject({
      verdict: 'fail',
      final: true,
      evidence: { unmet: 'errors:atMost', 'lines:errors': 1, 'lines:ready': 0, lines: 1 },
    })
  })

  it('compares with as long a time before, and at least with the whole of it', async () => {
    const one = [{ file: 'backend.log', prefix }]
    const rule = { lines: '^ERROR ', example: 'ERROR x', atMostMore: 1 }
    const config = { sources: one, expect: { errors: rule }, before: '1m' }
    const after = (count: number, ago: number): Promise<string> => {
      rmSync(join(folder, 'backend.log'), { force: true })
      const now = Date.now()
      write('backend.log', line('ERROR long ago', now - 300_000) + line('ERROR x', now - 40_000) + line('ERROR x', now - 20_000))
      return through(config, () => write('backend.log', line('ERROR x').repeat(count)), ago)
    }
    expect(await after(3, 0)).toBe('pass')
    expect(await after(4, 0)).toBe('fail errors:atMostMore')
    // Ten minutes, each with two lines.
    expect(await after(21, 599_000)).toBe('pass')
    expect(await after(22, 590_000)).toBe('fail errors:atMostMore')
  })

  it('needs lines with times to compare, and says so before anything is changed', async () => {
    write('backend.log', 'ERROR and no time\n')
    const rule = { lines: '^ERROR ', example: 'ERROR x', atMostMore: 0 }
    expect(await through({ sources: [{ file: 'backend.log' }], expect: { errors: rule } }, () => undefined)).toBe('before: inconclusive untimed')
    expect(await through({ sources: [{ file: 'backend.log' }], expect: { errors } }, () => undefined)).toBe('pass')
  })

  it('says before anything is changed that a prefix is not that of any line, or that a log is not there', async () => {
    write('backend.log', line('ERROR x'))
    const other = [{ file: 'backend.log', prefix: String.raw`^backend-\d+ +\| ` }]
    expect(await through({ sources: other, expect: { errors } }, () => undefined)).toBe('before: inconclusive prefix')
    expect(await through({ sources: [{ file: 'none.log' }], expect: { errors } }, () => undefined)).toBe('before: inconclusive ENOENT')
    expect(await through({ sources: [{ run: ['keyturn-no-such'] }], expect: { errors } }, () => undefined)).toBe('before: inconclusive COMMAND_MISSING')
  })

  it('reads the time and the message as the prefix says, also of JSON lines', async () => {
    const compose = String.raw`^[\w-]+ +\| (?<time>\d{13}) `
    const stamped = (text: string, at: number): string => `backend-1  | ${at} ${text}\n`
    write('compose.log', stamped('ERROR old', Date.now()))
    const late = (text: string) => (): void => write('compose.log', stamped(text, Date.now()) + stamped('ERROR of before', Date.now() - 30_000))
    expect(await through({ sources: [{ file: 'compose.log', prefix: compose }], expect: { errors } }, late('INFO x'))).toBe('pass')
    expect(await through({ sources: [{ file: 'compose.log', prefix: compose }], expect: { errors } }, late('ERROR x'))).toBe('fail errors:atMost')
    const json = { lines: { json: { level: 50 } }, example: '{"level":50}', atMost: 0 }
    const pino = [{ file: 'pino.log', prefix: '^(?=.*"time":(?<time>\\d{13}))' }]
    const object = (level: number, time: number): string => `${JSON.stringify({ level, time, msg: 'level 50' })}\n`
    write('pino.log', object(50, Date.now()))
    expect(await through({ sources: pino, expect: { json } }, () => write('pino.log', object(30, Date.now()) + object(50, Date.now() - 30_000)))).toBe('pass')
    expect(await through({ sources: pino, expect: { json } }, () => write('pino.log', object(50, Date.now())))).toBe('fail json:atMost')
  })

  it('tells a command from when on it is asked, and hears both of its streams in full (S1-55, S3-56)', async () => {
    const command = recorder(folder, 'logs', `awk 'BEGIN { for (n = 0; n < 200000; n++) print "ERROR " n }'; echo 'ERROR said on the other' >&2`)
    const check = open(folder, { sources: [{ run: [command.path, '--since', '{since}', '{epoch}'] }], expect: { errors: { ...errors, atMost: 200_000 } } })
    const at = Date.UTC(2026, 0, 31, 12)
    const { verdict, evidence } = valueOf(await check.run(callWithin(20_000), undefined, { at, before: {} }))
    expect([verdict, evidence['unmet'], evidence['lines:errors']]).toEqual(['fail', 'errors:atMost', 200_001])
    expect(command.seen()).toContain('--since\n2026-01-31T12:00:00.000Z\n1769860800\n')
  })

  it('is not sure of a command that fails, takes too long, or prints only the newest lines', async () => {
    const print = (script: string, more: object = {}): object => ({ sources: [{ run: ['/bin/sh', '-c', script], ...more }], expect: { errors } })
    const after = { at: Date.now() - 60_000, before: {} }
    const look = async (config: object): Promise<string> => seen(await open(folder, config).run(callWithin(10_000), undefined, after))
    expect(await look(print('exit 1 # {since}'))).toBe('inconclusive exit 1')
    expect(await look(print('echo INFO; exec sleep 60 # {since}', { timeout: '200ms' }))).toBe('inconclusive DEADLINE')
    const old = line('INFO old', Date.now() - 120_000).trim()
    const fresh = line('INFO new', Date.now()).trim()
    expect(await look(print(`echo '${fresh}'`))).toBe('inconclusive not-whole')
    expect(await look(print(`echo '${old}'; echo '${fresh}'`))).toBe('pass')
    expect(await look(print(`echo '${old.replace('INFO', 'ERROR')}'; echo '${fresh}'`))).toBe('pass')
    expect(await look(print(`echo '${old}'; echo '${fresh.replace('INFO new', 'x')}'; echo ERROR x`))).toBe('fail errors:atMost')
  })

  it('gives a command the variables that are named, and no other of ours', async () => {
    const value = generate(ALNUM, 32)
    const command = recorder(folder, 'logs', 'env')
    const check = openCheck(checkSchema.parse({ sources: [{ run: [command.path, '{since}'], env: { API_TOKEN: '${env:T}' } }], expect: { errors } }), {
      ...hostOf(folder),
      resolve: async (text) => new Secret(text.replace('${env:T}', value)),
    })
    const answer = await check.run(callWithin(10_000))
    expect(valueOf(answer).verdict).toBe('pass')
    expect(command.seen()).toContain(`API_TOKEN=${value}`)
    expect(JSON.stringify(answer)).not.toContain(value)
  })
})
