import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startKeyturn } from '../../../test/worlds/keyturn.ts'
import { leaksIn } from '../../../test/worlds/leaks.ts'
import { ALNUM, generate } from '../../kit/generate.ts'

// Processes of processes, perhaps on a busy machine: every wait is for a condition, none for a time.
vi.setConfig({ testTimeout: 120_000 })

const [session, cache] = [generate(ALNUM, 32), generate(ALNUM, 32)]
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-exec-'))
  const secret = (name: string, bind: string): string => `  ${name}:
    issuer: { use: random, format: hex, name: ${name} }
    stores: [{ use: dotenv, file: .env, bind: { ${bind} } }]`
  writeFileSync(join(folder, 'keyturn.yaml'), `version: 1\nsystem: shop\nsecrets:\n${secret('session', 'SESSION_KEY: "{value}"')}\n${secret('cache', 'CACHE_URL: "redis://:{value}@127.0.0.1/6"')}\n`)
  writeFileSync(join(folder, '.env'), `SESSION_KEY=${session}\nOTHER=not-ours\nCACHE_URL=redis://:${cache}@127.0.0.1/6\n`, { mode: 0o600 })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => startKeyturn(['exec', ...args], { cwd: folder, env })
const exec = async (args: readonly string[], env?: Readonly<Record<string, string>>) => start(args, env).end

describe('keyturn exec', () => {
  it('adds the values of the stores to the caller\'s environment, less the way to the identity; exits with the command\'s code', async () => {
    const file = join(folder, 'seen')
    const ran = await exec(['--', 'sh', '-c', `env > '${file}'; exit 7`], { MINE: 'kept', SESSION_KEY: 'the caller\'s', KEYTURN_IDENTITY: '/nowhere', PG_ADMIN_URL: 'in-the-env-already' })
    expect(ran).toMatchObject({ code: 7, said: '' })
    const seen = readFileSync(file, 'utf8').split('\n')
    rmSync(file)
    expect(seen).toEqual(expect.arrayContaining([`SESSION_KEY=${session}`, `CACHE_URL=redis://:${cache}@127.0.0.1/6`, 'MINE=kept', 'PG_ADMIN_URL=in-the-env-already']))
    expect(seen.filter((line) => /^(KEYTURN_IDENTITY|OTHER)=/.test(line))).toEqual([])
  })

  it('shows no value in an argument, nor in keyturn\'s own environment (C-01)', async () => {
    const file = join(folder, 'cmdline')
    const ran = await exec(['--as', 'TOKEN=session.value', '--', 'sh', '-c', `test -n "$TOKEN" && cat /proc/$$/cmdline /proc/$PPID/cmdline /proc/$PPID/environ > '${file}'`])
    expect(ran).toMatchObject({ code: 0, said: '' })
    const produced = readFileSync(file, 'latin1')
    expect(produced).toContain('exec\0--as\0TOKEN=session.value')
    expect(leaksIn([{ place: 'cmdline', text: produced }], [session, cache])).toEqual([])
  })

  it('hands its standard input on', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../../bin/keyturn.js'), 'exec', '--', 'cat'], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.end('from outside')
    expect(await text(child.stdout)).toBe('from outside')
    if (child.exitCode === null) await once(child, 'exit')
    expect(child.exitCode).toBe(0)
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGQUIT'] as const)('passes %s on and waits for the command\'s own end', async (signal) => {
    const running = start(['--', 'sh', '-c', `trap 'echo got it; exit 9' ${signal.slice(3)}; echo ready; while kill -0 $PPID; do sleep 0.05; done`])
    onTestFinished(() => running.send('SIGKILL'))
    await running.saw(/ready/)
    running.send(signal)
    const ran = await running.end
    expect(ran).toMatchObject({ code: 9, out: 'ready\ngot it\n', err: '' })
  })

  it('passes a signal on that comes in the very moment in which the command begins, and opens no debugger by it', async () => {
    const ran = await exec(['--', 'sh', '-c', `trap 'exit 9' USR1; kill -USR1 $PPID; while kill -0 $PPID; do sleep 0.05; done`])
    expect(ran).toMatchObject({ code: 9, said: '' })
  })

  it('exits as shells count when a signal ended the command', async () => {
    expect(await exec(['--', 'sh', '-c', 'kill -KILL $$'])).toMatchObject({ code: 137, signal: undefined })
  })

  it('with --mask shows no value of what the command prints, on both streams, in every encoding, cut anywhere', async () => {
    const script = `
      printf '%s' "$SESSION_KEY" | head -c 10; printf '%s' "$SESSION_KEY" | tail -c +11; echo ' end'
      echo "$CACHE_URL"; printf '%s' "$SESSION_KEY" | base64 -w 0; echo; echo "err $SESSION_KEY" >&2; printf 'no line end'; exit 3`
    const open = await exec(['--', 'sh', '-c', script])
    expect(leaksIn([{ place: 'stdout', text: open.out }, { place: 'stderr', text: open.err }], [session])).toEqual(['stdout', 'stderr'])
    const masked = await exec(['--mask', '--', 'sh', '-c', script])
    expect(masked).toMatchObject({ code: 3, out: expect.stringMatching(/^«secret» end\n«secret»\n«secret».*\nno line end$/), err: 'err «secret»\n' })
    expect(leaksIn([{ place: 'said', text: masked.said }], [session, cache])).toEqual([])
  })

  it('with --mask passes a great output on whole, and ends with a reader that goes away', async () => {
    const great = await exec(['--mask', '--', 'sh', '-c', 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done'])
    expect(great.out.split('\n')).toHaveLength(20_001)
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../../bin/keyturn.js'), 'exec', '--mask', '--', 'yes'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] })
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const [code, signal] = await once(child, 'exit') as [number | null, NodeJS.Signals | null]
    // What `yes` says of a broken pipe, or dies of.
    expect([1, 141]).toContain(code)
    expect(signal).toBeNull()
  })

  it('refuses a command that there is not, and every word that it does not know, before anything is started', async () => {
    const missing = await exec(['--', 'no-such-command', '--json'])
    expect(missing).toMatchObject({ code: 3, out: '', err: expect.stringMatching(/COMMAND_MISSING .*no-such-command[^]*PATH/) })
    expect((await exec(['--json', '--', 'no-such-command'])).json()).toMatchObject({ error: { code: 'COMMAND_MISSING' } })
    expect(await exec(['--only', 'sesion', '--', 'true'])).toMatchObject({ code: 2, err: expect.stringMatching(/SECRET_UNKNOWN[^]*session, cache/) })
    expect(await exec(['--as', 'session.value', '--', 'true'])).toMatchObject({ code: 2, err: expect.stringMatching(/USAGE/) })
    expect(await exec([])).toMatchObject({ code: 2 })
  })
})
