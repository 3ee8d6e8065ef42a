import { describe, expect, it } from 'vitest'
import { PATIENCE_MS } from '../../src/engine/decide.ts'
import { done, refused } from '../../src/kit/index.ts'
import { request } from '../../src/operations/request.ts'
import { play } from './play.ts'

describe('a store whose readers have a copy that follows', () => {
  it('is written once, and nobody reloads before the value has arrived', async () => {
    let looks = 0
    const { outside, on, events } = await play({ timing: { deadline: 10_000 }, faults: { arrived: () => done({ arrived: (looks += 1) > 3 }) } })
    outside.faults.mint = () => {
      looks = 0
      return undefined
    }
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(looks).toBe(4)
    expect(outside.effects).toEqual(['mint b', 'write', 'reload', 'off a', 'gone a'])
    const published = (await events()).find((event) => event.type === 'step-done' && event.step === 'publish:0')
    expect(published).toMatchObject({ evidence: { tries: 1, arrived: true } })
  })

  it('is waited for with patience, then a person is told why, and goes on without a second write', async () => {
    let arrived = false
    const { outside, engine, rotation, on, events } = await play({ faults: { arrived: () => done({ arrived, why: 'Flux has not applied it' }) } })
    const began = outside.now
    expect(await on()).toMatchObject({ is: 'person', code: 'DEADLINE', about: 'written, but Flux has not applied it' })
    expect(outside.now - began).toBeGreaterThan(PATIENCE_MS)
    expect(outside.effects).toEqual(['mint b', 'write'])
    arrived = true
    await request(engine, rotation, 'resume')
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(outside.effects).toEqual(['mint b', 'write', 'reload', 'off a', 'gone a'])
    expect((await events()).filter((event) => event.type === 'step-refused').length).toBeGreaterThan(1)
  })

  it('that will not arrive by itself is told at once', async () => {
    const { outside, on } = await play({ faults: { arrived: () => refused('STORE_UNFIT', 'the commit does not build') } })
    const began = outside.now
    expect(await on()).toMatchObject({ is: 'person', code: 'STORE_UNFIT', about: 'the commit does not build' })
    expect(outside.now - began).toBeLessThan(PATIENCE_MS)
    expect(outside.effects).toEqual(['mint b', 'write'])
  })

  it('a publish whose outcome is lost counts only when the value has arrived', async () => {
    const { outside, on, dieAt } = await play({ faults: { arrived: () => done({ arrived: true }) } })
    await dieAt('publish:0', 'after-effect')
    outside.faults.arrived = () => done({ arrived: false })
    outside.now += 60_000
    expect(await on()).toMatchObject({ is: 'person', code: 'DEADLINE' })
    expect(outside.effects).toEqual(['mint b', 'write'])
  })
})
