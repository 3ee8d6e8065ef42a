import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { TimedEvent } from '../../src/journal/event.ts'
import { foldProgress } from '../../src/journal/progress.ts'
import { Recorder } from '../../src/engine/recorder.ts'
import { readEvents } from '../../src/journal/read.ts'
import { request } from '../../src/operations/request.ts'
import type { SignedReceipt } from '../../src/proof/receipt.ts'
import { receiptFile } from '../../src/proof/receipts.ts'
import { inTime, LOOK_OVERTIME_MS } from '../../src/engine/in-time.ts'
import { done, refused } from '../../src/kit/index.ts'
import { NOW } from '../fixture/state.ts'
import { play } from './play.ts'

const typesOf = (events: readonly { readonly type: string; readonly step?: unknown }[]): string[] =>
  events.map((event) => `${event.type} ${typeof event.step === 'string' ? event.step : ''}`.trim())

describe('a mint that was refused', () => {
  it('has made nothing: the way back ends no credential, neither the old one nor the one of that name (I2, I5)', async () => {
    const { outside, engine, rotation, on, events } = await play()
    // Somebody has taken the idle login meanwhile: that is why the issuer refuses.
    outside.faults.mint = () => {
      outside.logins.set('b', { password: 'of a straggler', on: true })
      outside.uses.set('b', 1)
      return refused('PRINCIPAL_IN_USE', 'b')
    }
    expect(await on()).toMatchObject({ is: 'closed', result: 'rolled-back', code: 'PRINCIPAL_IN_USE' })
    expect(outside.effects).toEqual([])
    expect(outside.logins.get('b')).toEqual({ password: 'of a straggler', on: true })
    expect(outside.uses.get('b')).toBe(1)
    expect(typesOf(await events())).not.toContain('intent-recorded back:off:new')
    // And no receipt says that it was ended.
    expect(existsSync(receiptFile(engine.state.folder, rotation))).toBe(false)
  })

  it('in place restarts nothing: consumers hold what they held', async () => {
    const { outside, on } = await play({ strategy: 'in-place' })
    outside.faults.mint = () => refused('RIGHTS_MISSING')
    expect(await on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    expect(outside.effects).toEqual([])
  })

  it('but one that may have happened before is taken back', async () => {
    const { outside, on, dieAt } = await play()
    await dieAt('mint', 'after-effect')
    // It happened, and cannot be seen now; the next attempt is refused.
    outside.faults.accepts = (id) => id !== 'b'
    outside.faults.mint = () => refused('RIGHTS_MISSING')
    expect(await on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    expect(outside.effects).toEqual(['mint b', 'off b', 'gone b'])
    expect(outside.logins.get('a')?.on).toBe(true)
  })
})

describe('in place', () => {
  it('an aborted change that was never published takes the value back and restarts nothing', async () => {
    const { outside, engine, rotation, on, dieAt } = await play({ strategy: 'in-place' })
    await dieAt('publish:0', 'before-intent')
    await request(engine, rotation, 'abort')
    expect(await on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    expect(outside.effects).toEqual(['mint a', 'mint a'])
    expect(outside.held).toBe(outside.stored)
    expect(outside.stored).toBe(`a:${outside.logins.get('a')?.password ?? ''}`)
  })

  it('the gap begins where the old value may have died, not where a later run found out', async () => {
    const { outside, engine, rotation, on, dieAt } = await play({ strategy: 'in-place' })
    await dieAt('mint', 'after-effect')
    outside.now += 600_000
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    const { receipt } = JSON.parse(readFileSync(receiptFile(engine.state.folder, rotation), 'utf8')) as SignedReceipt
    expect(receipt.gapMs).toBeGreaterThanOrEqual(600_000)
    // Whoever was logged in with the old value may be so still: that is not nothing.
    expect(receipt.derivedLifeMs).toBeNull()
  })

  it('the gap is not called zero because nobody is named who uses the value', async () => {
    const { engine, rotation, outside, on, dieAt } = await play({ strategy: 'in-place', consumer: false })
    await dieAt('publish:0', 'before-intent')
    outside.now += 5_000
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    const { receipt } = JSON.parse(readFileSync(receiptFile(engine.state.folder, rotation), 'utf8')) as SignedReceipt
    expect(receipt.gapMs).toBeGreaterThanOrEqual(5_000)
  })
})

describe('the undo window', () => {
  it('an instance that is unready because its old login is refused is seen to want the old one (I7)', async () => {
    const { outside, once } = await play({ timing: { undo: 3_600_000 } })
    const old = outside.stored
    expect(await once()).toMatchObject({ is: 'waiting', why: 'undo' })
    outside.needsLogin = true
    outside.held = old
    expect(await once()).toMatchObject({ is: 'closed', result: 'rolled-back', code: 'OLD_WANTED' })
    expect(outside.logins.get('a')?.on).toBe(true)
    expect(outside.stored).toBe(old)
  })
})

describe('the gate', () => {
  it('does not open without watched usage when no consumer is named: nobody proved anything', async () => {
    const { outside, on } = await play({ consumer: false, timing: { quiet: 0 } })
    expect(await on()).toMatchObject({ is: 'waiting', why: 'gate', about: expect.stringContaining('no consumer is named') })
    expect(outside.logins.get('a')?.on).toBe(true)
  })

  it('does not open when the manifest no longer names the secret', async () => {
    const { outside, on } = await play()
    expect(await on({ outOfManifest: true })).toMatchObject({ is: 'waiting', why: 'gate', about: expect.stringContaining('no longer names') })
    expect(outside.logins.get('a')?.on).toBe(true)
    expect(await on({ manifestKeys: ['store:fake', 'consumer:fake'] })).toMatchObject({ is: 'waiting' })
    outside.now += 60_000
    expect(await on({ manifestKeys: ['store:fake', 'consumer:fake'] })).toMatchObject({ is: 'closed', result: 'done' })
  })

  it('unseen is not quiet: an issuer that does not list everything, or is behind the last attestation, holds it', async () => {
    const partly = await play()
    partly.outside.faults.complete = false
    expect(await partly.on()).toMatchObject({ is: 'waiting', why: 'gate' })
    expect(partly.outside.effects).not.toContain('off a')
    // Held while it is watched, not only when the gate asks.
    expect(typesOf(await partly.events())).toContain('gate-held watch')

    const behind = await play()
    behind.outside.faults.lag = 600_000
    await behind.on()
    const events = await behind.events()
    const at = (type: string, step: string): number => events.find((event) => event.type === type && 'step' in event && event.step === step)?.at ?? 0
    expect(at('intent-recorded', 'off') - at('step-done', 'attest:0.0')).toBeGreaterThanOrEqual(601_000)
  })
})

describe('a check that takes a credential', () => {
  it('is no proof when it gave no verdict on a wrong one (I12)', async () => {
    const { outside, on } = await play({ check: { as: 'new' } })
    const right = outside.stored
    outside.faults.check = (as) => (as !== undefined && `${as.id}:${as.fields['password']?.reveal() ?? ''}` === right ? 'pass' : 'inconclusive')
    expect(await on()).toMatchObject({ is: 'closed', result: 'refused', code: 'PRECONDITION_FAILED' })
    expect(outside.effects).toEqual([])
  })

  it('counts once it has failed with a wrong one', async () => {
    const { on } = await play({ check: { as: 'new' } })
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
  })
})

describe('a deadline', () => {
  it('leaves a failed look the time to ask both credentials whose fault it is', async () => {
    const over = new AbortController()
    const slow = (call: { readonly signal: AbortSignal }): Promise<string> => new Promise((resolve) => {
      call.signal.addEventListener('abort', () => setTimeout(() => resolve('new is rejected'), 700))
    })
    const seen = await inTime(20, { deadline: 0, fence: 1 }, over.signal, slow, () => 'no answer', LOOK_OVERTIME_MS)
    expect(seen).toBe('new is rejected')
    expect(done(seen).is).toBe('done')
  })
})

describe('an effect whose owner was taken over', () => {
  /** A store write that its owner left open. */
  async function left(): Promise<readonly TimedEvent[]> {
    const { dieAt, events } = await play()
    await dieAt('publish:0', 'after-intent')
    return events()
  }
  const claims = (events: readonly TimedEvent[], ...predecessors: readonly ('dead' | 'expired')[]): TimedEvent[] => {
    const fence = events.reduce((most, event) => (event.type === 'rotation-claimed' ? event.fence : most), 0)
    return [...events, ...predecessors.map((predecessor, at): TimedEvent => ({ type: 'rotation-claimed', by: `worker ${at}`, fence: fence + at + 1, predecessor, at: NOW }))]
  }

  it('cannot come late when that very owner is gone, however many came after it', async () => {
    const events = await left()
    expect(foldProgress(events).open).toMatchObject({ step: 'publish:0', ownerGone: false })
    expect(foldProgress(claims(events, 'dead')).open?.ownerGone).toBe(true)
    expect(foldProgress(claims(events, 'dead', 'expired', 'dead')).open?.ownerGone).toBe(true)
  })

  it('may come late when only the one after it is gone: the first may be stopped, and go on', async () => {
    expect(foldProgress(claims(await left(), 'expired', 'dead')).open?.ownerGone).toBe(false)
  })

  it('and also when the one that is gone never wrote anything', async () => {
    const { engine, dieAt, rotation } = await play()
    await dieAt('publish:0', 'after-intent')
    // The owner is only silent; another one takes over and dies before its first word; a third one comes.
    const { events, head } = await readEvents(engine, rotation)
    const wrote = events.findLast((event) => event.type === 'rotation-claimed')
    const before = wrote?.type === 'rotation-claimed' ? wrote.fence : 0
    const held = { rotation, fence: before + 2, seq: head.seq, head: head.hash }
    expect((await Recorder.open(engine, held, 'dead', before + 1)).progress.open?.ownerGone).toBe(false)
    expect((await Recorder.open(engine, held, 'dead', before)).progress.open?.ownerGone).toBe(true)
  })
})

describe('a watch', () => {
  it('is left at once on request, and says nothing then: the next run begins it anew', async () => {
    const { engine, interrupt, on, events } = await play({ timing: { quiet: 86_400_000, quietEvery: 60_000 } })
    const { sleep } = engine
    Object.assign(engine, { sleep: async (ms: number, signal: AbortSignal) => {
      if (ms === 60_000) interrupt.abort()
      await sleep(ms, signal)
    } })
    expect(await on()).toEqual({ is: 'interrupted' })
    expect(typesOf(await events()).filter((line) => line.endsWith(' watch'))).toEqual([])
  })
})

describe('a reload of which no outcome is known', () => {
  it.each(['alternate', 'in-place'] as const)('%s: is done again where the consumer cannot show what it holds; unseen is not done (I2)', async (strategy) => {
    const { outside, dieAt, on } = await play({ strategy, inferred: true })
    await dieAt('reload:0.0', 'after-intent')
    expect(outside.effects).not.toContain('reload')
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(outside.effects.filter((effect) => effect === 'reload')).toHaveLength(1)
    expect(outside.held).toBe(outside.stored)
  })
})
