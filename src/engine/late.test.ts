import { spawn } from 'node:child_process'
import { once as happens } from 'node:events'
import { describe, expect, it } from 'vitest'
import { play } from '../../test/review/play.ts'
import { takeLock } from '../outside/process/lock.ts'
import { drive } from './drive.ts'
import type { Late } from './engine.ts'
import { lockFile } from './lock-file.ts'

describe('a late effect that is waited out', () => {
  it('is told at every look, with its step and until when, and only until then', async () => {
    const { outside, engine, rotation, dieAt, events } = await play()
    await dieAt('publish:0', 'after-intent')
    const intent = (await events()).find((event) => event.type === 'intent-recorded' && event.step === 'publish:0')
    if (intent?.type !== 'intent-recorded') throw new Error('no intent')
    const until = intent.deadline + 1_000
    outside.now += 500
    const told: (Late & { readonly rotation: string })[] = []
    await drive({ ...engine, onLate: (id, late) => { told.push({ ...late, rotation: id }) } }, rotation)
    expect(told.length).toBeGreaterThan(1)
    expect(new Set(told.map((each) => [each.rotation, each.step.id, each.until].join(' ')))).toEqual(new Set([`${rotation} publish:0 ${until}`]))
    expect(told[0]?.at).toBe(intent.at + 500)
    expect(told.every((each) => each.at < until)).toBe(true)
  })

  it('is not told any more when its time is over, also while what it left behind is being ended', async () => {
    const { outside, engine, rotation, dieAt } = await play()
    await dieAt('reload:0.0', 'after-intent')
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    const ended = happens(child, 'exit')
    takeLock(lockFile(engine.state, 'consumer:fake'), outside.now + 2_000).name(child.pid ?? 0)
    outside.now += 60_000
    let told = 0
    await drive({ ...engine, onLate: () => { told += 1 } }, rotation)
    expect((await ended)[1]).toBe('SIGKILL')
    expect(told).toBe(0)
  })
})
