import { spawn } from 'node:child_process'
import { once as happens } from 'node:events'
import { expect, it } from 'vitest'
import { lockFile } from '../../src/engine/lock-file.ts'
import { takeLock } from '../../src/outside/process/lock.ts'
import { NOW } from '../fixture/state.ts'
import { play } from './play.ts'

it("another rotation's orphan at a shared consumer is waited for, and ended when its own time is over (I10)", async () => {
  const { engine, on, events } = await play()
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = happens(child, 'exit')
  // What the killed worker of another rotation left: its child still works at the same consumer.
  takeLock(lockFile(engine.state, 'consumer:fake'), NOW + 4_000).name(child.pid ?? 0)
  expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
  expect((await ended)[1]).toBe('SIGKILL')
  const all = await events()
  const refused = all.flatMap((event) => (event.type === 'step-refused' ? [`${event.step} ${event.code} ${event.about}`] : []))
  expect(new Set(refused)).toEqual(new Set(['reload:0.0 LOCKED consumer:fake']))
  const reloaded = all.find((event) => event.type === 'intent-recorded' && event.step === 'reload:0.0')
  expect(reloaded?.at).toBeGreaterThanOrEqual(NOW + 4_000)
})
