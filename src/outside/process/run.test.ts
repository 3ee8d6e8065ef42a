import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { recorder } from '../../testing/recorder.ts'
import { until } from '../../testing/until.ts'
import { runChild, succeeded } from './run.ts'

const sh = (script: string): string[] => ['/bin/sh', '-c', script]

describe('runChild', () => {
  let cwd: string
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'keyturn-run-'))
  })
  afterEach(() => rmSync(cwd, { recursive: true }))

  it('hands a value over by standard input; neither command line nor environment hold it (C-01)', async () => {
    const value = generate(ALNUM, 32)
    const command = recorder(cwd, 'apply')
    const answer = await runChild({ argv: [command.path, 'one'], cwd, stdin: new Secret(value), quiet: true }, callWithin(10_000))
    expect(answer).toMatchObject({ is: 'done', value: { exit: 0, stdout: '' } })
    expect(command.read()).toContain(value)
    expect(command.seen()).toContain('one')
    expect(command.seen()).not.toContain(value)
  })

  it('lets the allow-list and what is named into the environment, nothing else of ours', async () => {
    const value = generate(ALNUM, 32)
    process.env['KEYTURN_TEST_OURS'] = value
    try {
      const command = recorder(cwd, 'look')
      await runChild({ argv: [command.path], cwd, env: { NAMED: 'yes' } }, callWithin(10_000))
      expect(command.seen()).toContain('NAMED=yes')
      expect(command.seen()).toContain(`PATH=${process.env['PATH'] ?? ''}`)
      expect(command.seen()).not.toContain(value)
    } finally {
      delete process.env['KEYTURN_TEST_OURS']
    }
  })

  it('gives words to the command as they are: no shell reads them', async () => {
    const answer = await runChild({ argv: ['printf', '%s', '$(id); `id` | x'], cwd }, callWithin(10_000))
    expect(answer).toMatchObject({ is: 'done', value: { stdout: '$(id); `id` | x', complete: true } })
  })

  it('keeps the end of an output that is too long, and says so', async () => {
    const answer = await runChild({ argv: sh('head -c 300000 /dev/zero | tr "\\0" a; printf end'), cwd }, callWithin(10_000))
    if (answer.is !== 'done') throw new Error(answer.is)
    expect(answer.value.stdout).toHaveLength(64 * 1024)
    expect(answer.value.stdout.endsWith('aend')).toBe(true)
    expect(answer.value.complete).toBe(false)
  })

  it('tells a listener everything of both streams, and keeps nothing', async () => {
    const heard = { stdout: 0, stderr: 0 }
    const script = 'head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2'
    const answer = await runChild({ argv: sh(script), cwd, hear: (stream, chunk) => void (heard[stream] += chunk.length) }, callWithin(20_000))
    expect(answer).toMatchObject({ is: 'done', value: { exit: 0, stdout: '', stderr: '' } })
    expect(heard).toEqual({ stdout: 3_000_000, stderr: 2_000_000 })
  })

  it('waits for the streams of a command that is listened to, but not past the deadline', async () => {
    let heard = ''
    const hear = (_: string, chunk: Buffer): void => void (heard += chunk.toString())
    const late = await runChild({ argv: sh(`( while [ ! -e go ]; do sleep 0.05; done; echo late ) & sleep 0.1; touch go`), cwd, hear }, callWithin(20_000))
    expect([late.is, heard]).toEqual(['done', 'late\n'])
    const call = callWithin(300)
    const daemon = await runChild({ argv: sh('setsid sleep 2 & echo started'), cwd, hear }, call)
    expect(daemon).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    expect(Date.now()).toBeLessThan(call.deadline + 1_000)
  })

  it('keeps nothing of a quiet command', async () => {
    const answer = await runChild({ argv: sh('echo value; echo value >&2'), cwd, quiet: true }, callWithin(10_000))
    expect(answer).toMatchObject({ is: 'done', value: { stdout: '', stderr: '' } })
  })

  it('tells a command that could not be started (refused), its exit code, and the deadline (unknown) apart (X-10)', async () => {
    expect(await runChild({ argv: ['keyturn-no-such-command'], cwd }, callWithin(10_000))).toMatchObject({
      is: 'refused',
      code: 'COMMAND_MISSING',
      evidence: { cause: 'ENOENT' },
    })
    const seven = await runChild({ argv: sh('exit 7'), cwd }, callWithin(10_000))
    expect(seven).toMatchObject({ is: 'done', value: { exit: 7 } })
    expect(succeeded(seven, 'it')).toMatchObject({ is: 'unknown', code: 'COMMAND_FAILED', about: 'it', evidence: { exit: 7 } })
    const ended = await runChild({ argv: sh('kill -9 $$'), cwd }, callWithin(10_000))
    expect(ended).toMatchObject({ is: 'done', value: { exit: 137 } })
    expect(await runChild({ argv: sh('exec sleep 60'), cwd }, callWithin(300))).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
  })

  it('ends the whole group at the deadline, one that ignores SIGTERM too', async () => {
    const pids = join(cwd, 'pids')
    const script = `trap '' TERM; sleep 61 & echo $! > ${pids}; echo $$ >> ${pids}; while :; do sleep 1; done`
    const call = callWithin(500)
    expect(await runChild({ argv: sh(script), cwd }, call)).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    expect(Date.now()).toBeLessThan(call.deadline + 2_000)
    const [sleeper, leader] = readFileSync(pids, 'utf8').trim().split('\n').map(Number)
    await until(() => [sleeper, leader].every((pid) => !existsSync(`/proc/${String(pid)}/fd/0`)))
  })

  it('lets a command that heeds SIGTERM end itself before the deadline', async () => {
    const script = `trap 'echo tidy > ${join(cwd, 'tidied')}; exit 0' TERM; while :; do sleep 0.05; done`
    expect(await runChild({ argv: sh(script), cwd }, callWithin(3_000))).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    expect(readFileSync(join(cwd, 'tidied'), 'utf8')).toBe('tidy\n')
  })

  it('does not wait for a daemon that the command leaves running, and leaves it alone', async () => {
    const answer = await runChild({ argv: sh('sleep 30 & echo $!'), cwd }, callWithin(10_000))
    if (answer.is !== 'done') throw new Error(answer.is)
    const pid = Number(answer.value.stdout)
    expect(answer.value.took).toBeLessThan(5_000)
    expect(process.kill(pid, 0)).toBe(true)
    process.kill(pid)
  })

  it('takes a command that ends without reading its input for what its exit code says', async () => {
    const answer = await runChild({ argv: ['true'], cwd, stdin: new Secret('x'.repeat(1_000_000)) }, callWithin(10_000))
    expect(answer).toMatchObject({ is: 'done', value: { exit: 0 } })
  })

  it('starts nothing when the deadline has passed', async () => {
    const passed = { signal: AbortSignal.abort(), deadline: 0 }
    expect(await runChild({ argv: sh(`touch ${join(cwd, 'ran')}`), cwd }, passed)).toMatchObject({ is: 'refused' })
    expect(existsSync(join(cwd, 'ran'))).toBe(false)
  })
})
