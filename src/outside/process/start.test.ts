import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { until } from '../../testing/until.ts'
import { childEnvironment, processEnv } from './environment.ts'
import { processMark, processStart } from './start.ts'
import { Secret } from '../../kit/secret.ts'

describe('processStart and processMark', () => {
  it('give the start in unix ms, and a mark that stays and differs between processes', async () => {
    const before = Date.now()
    const child = spawn('sleep', ['60'])
    await once(child, 'spawn')
    const pid = child.pid ?? 0
    // The boot time has whole seconds.
    expect(processStart(pid)).toBeGreaterThan(before - 2_000)
    expect(processStart(pid)).toBeLessThan(Date.now() + 2_000)
    expect(processMark(pid)).toBe(processMark(pid))
    expect(processMark(pid)).not.toBe(processMark(process.pid))
    child.kill()
    await once(child, 'exit')
    expect(processMark(pid)).toBeUndefined()
    expect(processStart(pid)).toBeUndefined()
  })

  it.runIf(process.platform === 'linux')('take a process that has ended and was not reaped for gone', async () => {
    // The shell becomes a sleep, which never asks for its child; that ends with its input, after the change.
    const child = spawn('/bin/sh', ['-c', 'exec 3<&0; cat <&3 & echo $!; exec sleep 60'], { stdio: ['pipe', 'pipe', 'ignore'] })
    const [line]: unknown[] = await once(child.stdout, 'data')
    const pid = Number(String(line))
    await until(() => readFileSync(`/proc/${child.pid}/comm`, 'utf8') === 'sleep\n')
    child.stdin.end()
    await until(() => processMark(pid) === undefined)
    // It is still in the table.
    expect(process.kill(pid, 0)).toBe(true)
    child.kill()
    await once(child, 'exit')
  })
})

describe('environments', () => {
  it('childEnvironment lets the allow-list through and adds what is named', () => {
    const from = { PATH: '/bin', LC_TIME: 'C', PG_ADMIN_URL: 'x', LD_PRELOAD: 'x', HOME: undefined }
    expect(childEnvironment(from, { A: new Secret('1') })).toEqual({ PATH: '/bin', LC_TIME: 'C', A: '1' })
  })

  it.runIf(process.platform === 'linux')('processEnv reads what a process was started with, as secrets', async () => {
    const child = spawn('sleep', ['60'], { env: { PATH: process.env['PATH'], PAIR: 'a=b', EMPTY: '' } })
    await once(child, 'spawn')
    const environment = processEnv(child.pid ?? 0)
    expect(environment?.get('PAIR')?.reveal()).toBe('a=b')
    expect(environment?.get('EMPTY')?.reveal()).toBe('')
    expect(environment?.get('MISSING')).toBeUndefined()
    expect(JSON.stringify([...(environment ?? [])])).not.toContain('a=b')
    child.kill()
    await once(child, 'exit')
    expect(processEnv(child.pid ?? 0)).toBeUndefined()
  })
})
