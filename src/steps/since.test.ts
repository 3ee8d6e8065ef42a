import { describe, expect, it } from 'vitest'
import { play } from '../../test/review/play.ts'
import type { TimedEvent } from '../journal/event.ts'
import { foldProgress } from '../journal/progress.ts'
import type { CheckResult, Since } from '../kit/index.ts'
import { keptEvidence, sinceOf } from './since.ts'

const intentOf = (events: readonly TimedEvent[], step: string): number => events.find((event) => event.type === 'intent-recorded' && event.step === step)?.at ?? Number.NaN
const doneAt = (events: readonly TimedEvent[], step: string): number => events.find((event) => event.type === 'step-done' && event.step === step)?.at ?? Number.NaN

describe('what a check may compare with', () => {
  it('is what it saw in preflight, and the time when the change was first there to see (C-28)', async () => {
    const { outside, on, events } = await play({ check: { compares: true } })
    const told: (Since | undefined)[] = []
    outside.faults.look = (since) => {
      told.push(since)
      return { verdict: 'pass', evidence: { errors: told.length } }
    }
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    const all = await events()
    expect(told[0]).toBeUndefined()
    const since = { at: intentOf(all, 'publish:0'), before: { errors: 1 } }
    expect(told.slice(1)).toEqual([since, since])
    expect(all.find((event) => event.type === 'step-done' && event.step === 'preflight')).toMatchObject({ evidence: { checks: 1, 'check:0 errors': 1 } })
  })

  it('is the change of the way back on the way back', async () => {
    const { outside, on, events } = await play({ strategy: 'in-place', check: { compares: true } })
    const told: (Since | undefined)[] = []
    outside.faults.look = (since) => {
      told.push(since)
      outside.now += 10
      return told.length === 2 ? { verdict: 'fail', final: true, evidence: {} } : { verdict: 'pass', evidence: { errors: told.length } }
    }
    expect(await on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    const all = await events()
    expect(told.slice(1)).toEqual(['publish:0', 'back:publish:0'].map((step) => ({ at: intentOf(all, step), before: { errors: 1 } })))
    expect(intentOf(all, 'publish:0')).toBeLessThan(intentOf(all, 'back:publish:0'))
  })

  it('is the opening when nothing was published or reloaded, and nothing when preflight kept nothing', async () => {
    const { events } = await play({ check: {} })
    const progress = foldProgress(await events())
    expect(sinceOf(progress, { list: 'secret', index: 0 })).toEqual({ at: progress.openedAt, before: {} })
  })

  it('is of this check and no other', async () => {
    const { events } = await play({ check: {} })
    const kept = { ...keptEvidence({ list: 'secret', index: 1 }, { errors: 1 }), ...keptEvidence({ list: 'secret', index: 11 }, { errors: 11 }), ...keptEvidence({ list: 'postflight', index: 1 }, { errors: 2 }) }
    const progress = foldProgress([...(await events()), { type: 'step-done', step: 'preflight', attempt: 1, evidence: { checks: 2, ...kept }, at: 1 }])
    expect(sinceOf(progress, { list: 'secret', index: 1 }).before).toEqual({ errors: 1 })
    expect(sinceOf(progress, { list: 'secret', index: 11 }).before).toEqual({ errors: 11 })
    expect(sinceOf(progress, { list: 'postflight', index: 1 }).before).toEqual({ errors: 2 })
  })
})

describe('a check for afterwards', () => {
  it('that compares is looked at in preflight, where red is no obstacle', async () => {
    const { outside, on } = await play({ check: { compares: true, after: true } })
    const told: (Since | undefined)[] = []
    outside.faults.look = (since) => {
      told.push(since)
      return { verdict: since === undefined ? 'fail' : 'pass', final: true, evidence: { errors: 7 } } as CheckResult
    }
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(told[0]).toBeUndefined()
    expect(told[1]?.before).toMatchObject({ errors: 7 })
  })

  it('that compares and cannot look refuses before anything is changed', async () => {
    const { outside, on } = await play({ check: { compares: true, after: true } })
    outside.faults.look = () => ({ verdict: 'inconclusive', evidence: {} })
    expect(await on()).toMatchObject({ is: 'closed', result: 'refused', code: 'PRECONDITION_FAILED' })
    expect(outside.effects).toEqual([])
  })

  it('that does not compare is left alone until then', async () => {
    const { outside, on } = await play({ check: { after: true } })
    const told: (Since | undefined)[] = []
    outside.faults.look = (since) => {
      told.push(since)
      return { verdict: 'pass', evidence: {} }
    }
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(told).not.toContain(undefined)
  })
})

describe('observing', () => {
  it('ends when the check still passes so long after the change, not before (S1-29, S2-05, S3-55)', async () => {
    const { on, events } = await play({ check: { for: 300_000 } })
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    const all = await events()
    expect(doneAt(all, 'check:0') - intentOf(all, 'publish:0')).toBeGreaterThanOrEqual(300_000)
    expect(doneAt(all, 'check:0') - intentOf(all, 'publish:0')).toBeLessThan(310_000)
  })

  it('ends at once with what cannot change any more (S1-29)', async () => {
    const { outside, on, events } = await play({ check: { for: 300_000 } })
    let looks = 0
    outside.faults.look = (since) => {
      looks += 1
      return since !== undefined && looks > 3 ? { verdict: 'fail', evidence: { errors: 1 }, final: true } : { verdict: 'pass', evidence: {} }
    }
    expect(await on()).toMatchObject({ is: 'person', code: 'CHECK_FAILED' })
    const all = await events()
    const failed = all.find((event) => event.type === 'step-refused' && event.step === 'check:0')
    expect(failed).toMatchObject({ evidence: { errors: 1, verdict: 'fail' } })
    expect((failed?.at ?? Number.NaN) - intentOf(all, 'publish:0')).toBeLessThan(20_000)
    expect(looks).toBe(4)
  })

  it('looks again at what may change, up to its time', async () => {
    const { outside, on } = await play({ check: {} })
    let looks = 0
    outside.faults.look = (since) => {
      looks += since === undefined ? 0 : 1
      return { verdict: since !== undefined && looks < 2 ? 'fail' : 'pass', evidence: {} }
    }
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(looks).toBeGreaterThan(2)
  })

  it('is not waited for when the run is stopped, and begins anew', async () => {
    const { outside, on, once, events, interrupt } = await play({ check: { for: 300_000 } })
    let looks = 0
    outside.faults.look = () => {
      looks += 1
      if (looks === 4) interrupt.abort()
      return { verdict: 'pass', evidence: {} }
    }
    await once()
    expect((await events()).filter((event) => 'step' in event && event.step === 'check:0')).toEqual([])
    expect(looks).toBe(4)
    expect(await on().then(() => undefined, (thrown: unknown) => thrown)).toBeUndefined()
  })
})
