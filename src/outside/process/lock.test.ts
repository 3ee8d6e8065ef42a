import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callWithin } from '../../testing/call.ts'
import { until } from '../../testing/until.ts'
import { endOrphan, orphanAlive } from './lock.ts'
import { runChild } from './run.ts'

/** A worker of its own that runs a shell script under a lock, to be killed. */
function worker(lock: string, script: string, ms: number): ChildProcess {
  const program = `
    import { runChild } from ${JSON.stringify(fileURLToPath(new URL('run.ts', import.meta.url)))}
    await runChild({ argv: ['/bin/sh', '-c', ${JSON.stringify(script)}], cwd: '/', quiet: true, lock: ${JSON.stringify(lock)} },
      { signal: AbortSignal.timeout(${ms}), deadline: Date.now() + ${ms} })`
  return spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' })
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

describe.runIf(process.platform === 'linux')('the lock that children inherit (I10)', () => {
  let folder: string
  let lock: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-lock-'))
    lock = join(folder, 'lock')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('lets a successor see that the child of a killed worker still runs, and that it has ended', async () => {
    const child = worker(lock, `touch ${folder}/on; while [ ! -e ${folder}/stop ]; do sleep 0.02; done`, 60_000)
    await until(() => existsSync(join(folder, 'on')))
    await killed(child)
    expect(orphanAlive(lock)).toBe(true)
    writeFileSync(join(folder, 'stop'), '')
    await until(() => !orphanAlive(lock))
  })

  it('finds what the child started when the child itself is gone, up to the deadline', async () => {
    const started = `touch ${folder}/on; while [ ! -e ${folder}/stop ]; do sleep 0.02; done`
    const child = worker(lock, `(${started}) & kill -9 $PPID; exit 0`, 60_000)
    await once(child, 'exit')
    await until(() => existsSync(join(folder, 'on')))
    expect(orphanAlive(lock)).toBe(true)
    expect(orphanAlive(lock, Date.now() + 61_000)).toBe(false)
    writeFileSync(join(folder, 'stop'), '')
    await until(() => !orphanAlive(lock))
  })

  it('finds the child by its handle when its number was never written', async () => {
    const child = worker(lock, `touch ${folder}/on; while [ ! -e ${folder}/stop ]; do sleep 0.02; done`, 60_000)
    await until(() => existsSync(join(folder, 'on')))
    await killed(child)
    writeFileSync(lock, '')
    expect(orphanAlive(lock)).toBe(true)
    writeFileSync(join(folder, 'stop'), '')
    await until(() => !orphanAlive(lock))
  })

  it('ends the orphan with its group when told to', async () => {
    const child = worker(lock, `touch ${folder}/on; sleep 60; true`, 60_000)
    // Named, or nobody knows whom to end: the child may be faster than its worker.
    await until(() => existsSync(join(folder, 'on')) && readFileSync(lock, 'utf8').includes('pid'))
    await killed(child)
    endOrphan(lock)
    await until(() => !orphanAlive(lock))
    endOrphan(lock)
  })

  it('is gone when the child has ended under its worker, even when a daemon keeps the handle', async () => {
    const answer = await runChild({ argv: ['/bin/sh', '-c', 'sleep 30 & echo $!'], cwd: folder, lock }, callWithin(10_000))
    if (answer.is !== 'done') throw new Error(answer.is)
    expect(existsSync(lock)).toBe(false)
    expect(orphanAlive(lock)).toBe(false)
    process.kill(Number(answer.value.stdout))
  })

  it('names the child, for its owner only', async () => {
    const script = `until grep -q pid ${lock}; do :; done; cat ${lock}; echo; stat -c %a ${lock}; echo $$`
    const answer = await runChild({ argv: ['/bin/sh', '-c', script], cwd: folder, lock }, callWithin(10_000))
    if (answer.is !== 'done') throw new Error(answer.is)
    const [content, mode, pid] = answer.value.stdout.trim().split('\n')
    expect(JSON.parse(content ?? '')).toMatchObject({ pid: Number(pid) })
    expect(mode).toBe('600')
  })

  it('refuses before the child is started when the lock cannot be written', async () => {
    const started = join(folder, 'started')
    const answer = await runChild({ argv: ['touch', started], cwd: folder, lock: join(folder, 'no', 'lock') }, callWithin(10_000))
    expect(answer).toMatchObject({ is: 'refused', code: 'STATE_FULL' })
    expect(existsSync(started)).toBe(false)
  })

  it('does not take a later process with the same number for the child', () => {
    writeFileSync(lock, JSON.stringify({ deadline: 0, pid: process.pid, mark: `${process.pid}@1` }))
    expect(orphanAlive(lock)).toBe(false)
    endOrphan(lock)
    expect(statSync(lock).isFile()).toBe(true)
    expect(readFileSync(lock, 'utf8')).toContain('@1')
  })
})
