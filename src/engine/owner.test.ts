import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { ownerIsDead, ownerOf, type Where } from './owner.ts'

const here: Where = { host: 'one', boot: '5b0c', space: 'pid:[4026531836]' }

/** The number of a process that has ended. */
async function endedProcess(): Promise<{ readonly owner: string; readonly aliveOwner: string }> {
  const child = spawn(process.execPath, ['--eval', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] })
  await once(child, 'spawn')
  const owner = ownerOf(child.pid ?? 0, here)
  child.stdin.end()
  await once(child, 'exit')
  return { owner, aliveOwner: ownerOf(process.pid, here) }
}

describe('the owner of a rotation', () => {
  it('is dead when its process has ended, and not before', async () => {
    const { owner, aliveOwner } = await endedProcess()
    expect(ownerIsDead(owner, here)).toBe(true)
    expect(ownerIsDead(aliveOwner, here)).toBe(false)
    // Another process that got its number later is not it.
    expect(ownerIsDead(`${aliveOwner.split('@')[0]}@1`, here)).toBe(true)
  })

  it.each<readonly [string, Partial<Where>]>([
    ['another host', { host: 'two' }], ['another boot, or another machine of the same name', { boot: '77aa' }], ['another process space', { space: 'pid:[4026532999]' }],
  ])('is never called dead from %s', async (_, other) => {
    const { owner } = await endedProcess()
    expect(ownerIsDead(owner, { ...here, ...other })).toBe(false)
  })

  it.each<readonly [string, Where]>([['boots', { ...here, boot: undefined }], ['process spaces', { ...here, space: undefined }]])('is never called dead where the system tells no %s apart', (_, blind) => {
    expect(ownerIsDead(`${ownerOf(process.pid, blind).split(' ')[0]} 1@1`, blind)).toBe(false)
  })

  it('has a name that says so on this machine', () => {
    expect(ownerIsDead(ownerOf(process.pid))).toBe(false)
    expect(ownerIsDead(`${ownerOf(process.pid).split(' ')[0]} 1@1`)).toBe(true)
    expect(ownerIsDead('keyturn state copy')).toBe(false)
  })
})
