import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { tempFolder } from '../../test/fixture/state.ts'
import { takeLock } from '../outside/process/lock.ts'
import { endOverdueOrphans } from './orphans.ts'

/** A command that a worker started under a lock, and whose worker is gone. */
async function leftBehind(folder: string, name: string, deadline: number): Promise<{ readonly ended: Promise<unknown>; alive(): boolean }> {
  const lock = takeLock(join(folder, `${name}.lock`), deadline)
  const child = spawn('sleep', ['600'], { detached: true, stdio: ['ignore', 'ignore', 'ignore', lock.fd] })
  const ended = once(child, 'exit')
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'spawn')
  lock.name(child.pid ?? 0)
  return { ended, alive: () => child.exitCode === null && child.signalCode === null }
}

it('a child that a killed worker left is ended when its time is over, and not before', async () => {
  const folder = tempFolder()
  const now = Date.now()
  const [over, justOver, stillIn] = await Promise.all([leftBehind(folder, 'over', now - 2_001), leftBehind(folder, 'just', now - 1_000), leftBehind(folder, 'in', now + 60_000)])
  endOverdueOrphans(folder, now)
  await over.ended
  expect([over, justOver, stillIn].map((each) => each.alive())).toEqual([false, true, true])
  endOverdueOrphans(folder, now + 1_500)
  await justOver.ended
  expect(stillIn.alive()).toBe(true)
})
