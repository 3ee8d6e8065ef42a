import { describe, expect, it } from 'vitest'
import { decide, PATIENCE_MS } from '../src/engine/decide.ts'
import type { TimedEvent } from '../src/journal/event.ts'
import { foldProgress } from '../src/journal/progress.ts'
import { request } from '../src/operations/request.ts'
import { openRotation, planSecret } from '../src/engine/rotate.ts'
import { type Answer, refused, unknown } from '../src/kit/index.ts'
import { readSealed } from '../src/state/ledger.ts'
import { append, readJournal } from '../src/state/journal.ts'
import { claim } from '../src/state/lease.ts'
import { begin, moves, type World, write } from './fixture/simulator.ts'
import { specimenPlan, type Wishes } from './fixture/specimen.ts'
import { entry, freshState, NOW, openOne, take } from './fixture/state.ts'
import { play } from './review/play.ts'

// What other tools got wrong, each as a test that shows that it does not happen here.

/** All goes well until this step is decided on. */
function until(step: string, wishes: Wishes = {}): World {
  let world = begin(specimenPlan(wishes))
  for (let taken = 0; taken < 100; taken += 1) {
    const next = decide(world.events, world.now)
    if (next.do === 'attempt' && next.step.id === step) return world
    world = moves(world, next)[0]?.after ?? world
  }
  throw new Error(`never came to ${step}`)
}

/** What goes wrong here, and all goes well after it. */
function afterwards(world: World, name: string): World {
  let after = moves(world).find((move) => move.name === name)?.after
  if (after === undefined) throw new Error(`there is no ${name}`)
  for (let taken = 0; taken < 200; taken += 1) {
    const next = decide(after.events, after.now)
    if (next.do === 'stay' || next.do === 'finished') break
    after = moves(after, next)[0]?.after ?? after
  }
  return after
}

const intents = (events: readonly TimedEvent[]): string[] => events.flatMap((event) => (event.type === 'intent-recorded' ? [event.step] : []))
const timeOf = (events: readonly TimedEvent[], type: TimedEvent['type'], step: string): number =>
  events.findLast((event) => event.type === type && 'step' in event && event.step === step)?.at ?? Number.NaN

describe('crash between mint and store', () => {
  it.each(['alternate', 'in-place'] as const)('%s: the value was sealed before it was applied, so the next run publishes that one and mints no other', async (strategy) => {
    const { outside, dieAt, on, engine, rotation } = await play({ strategy })
    await dieAt('mint', 'after-effect')
    const id = strategy === 'alternate' ? 'b' : 'a'
    const applied = outside.logins.get(id)?.password
    expect(await readSealed(engine.state.db, rotation, 'new')).toBeDefined()
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(outside.effects.filter((effect) => effect.startsWith('mint'))).toEqual([`mint ${id}`])
    expect(outside.stored).toBe(`${id}:${applied ?? ''}`)
    expect(outside.held).toBe(outside.stored)
  })

  it('before it is sealed nothing is applied', async () => {
    const { outside, dieAt } = await play()
    await dieAt('mint', 'before-intent')
    expect(outside.effects).toEqual([])
  })

  it('a value that the provider makes is minted twice at most, and the old one stays when both are lost', () => {
    let world = until('mint', { strategy: 'overlap', traits: { value: 'made', locate: 'tag' } })
    for (let round = 0; round < 2; round += 1) {
      if (round === 1) world = moves(world).find((move) => move.name === 'reclaim done')?.after ?? world
      const lost = moves(world).find((move) => move.name === 'mint unknown')?.after ?? world
      const absent = moves({ ...lost, now: lost.now + 60_000 }).find((move) => move.name === 'mint absent')?.after ?? lost
      world = { ...absent, now: absent.now + 60_000 }
    }
    expect(decide(world.events, world.now)).toMatchObject({ do: 'turn' })
    expect(intents(world.events)).toEqual(['mint', 'reclaim', 'mint'])
  })
})

describe('delete the oldest of two', () => {
  it('after a lost mint the one in use is untouched: only a recorded identity is ever ended, and never the one that stays', async () => {
    const { outside, dieAt, engine, rotation, on } = await play()
    await dieAt('mint', 'after-effect')
    await request(engine, rotation, 'abort')
    expect(await on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    expect(outside.effects).toEqual(['mint b', 'off b', 'gone b'])
    expect(outside.logins.get('a')).toMatchObject({ on: true })
  })
})

describe('write-ahead record inside an uncommitted transaction', () => {
  it('intent and sealed value are committed before the effect: another connection reads them while it happens', async () => {
    const { outside, engine, rotation, on } = await play()
    let seen: [string | undefined, boolean] | undefined
    outside.faults.mint = async () => {
      seen = await Promise.all([
        readJournal(engine.state.db, rotation).then((lines) => lines.at(-1)?.type),
        readSealed(engine.state.db, rotation, 'new').then((sealed) => sealed !== undefined),
      ])
      return undefined
    }
    await on()
    expect(seen).toEqual(['intent-recorded', true])
  })

  it('a transaction that fails leaves neither the record nor what belongs to it', async () => {
    const state = await freshState()
    await openOne(state, 'one')
    await openOne(state, 'two')
    const [one, two] = [await take(state, 'one'), await take(state, 'two', 'owner 2')]
    await append(state, one, [entry(2)], { holds: { resource: 'store:shared', until: 1e15, begins: true } })
    const sealed = { ciphertext: new Uint8Array([1]), mac: 'm' }
    await expect(append(state, two, [entry(2)], { sealed: { new: sealed }, holds: { resource: 'store:shared', until: 1e15, begins: true } })).rejects.toMatchObject({ code: 'LOCKED' })
    expect(await readJournal(state.db, 'two')).toHaveLength(1)
    expect(await readSealed(state.db, 'two', 'new')).toBeUndefined()
  })
})

describe('a final failure that shortens the overlap', () => {
  it.each(['check:0', 'attest:0.0', 'watch', 'gate:off'])('%s fails to the end of all patience: nothing is ended, and after a resume the grace is still whole', (step) => {
    const code = step === 'check:0' ? 'CHECK_FAILED' : 'RIGHTS_MISSING'
    const failed = afterwards(until(step, { checks: 1 }), `${step} ${code}`)
    expect(foldProgress(failed.events).paused).toBeDefined()
    expect(intents(failed.events)).not.toContain('off')
    const nextDay = { ...failed, now: failed.now + 86_400_000 }
    expect(decide(nextDay.events, nextDay.now)).toMatchObject({ do: 'stay' })
    let world = moves(nextDay)[0]?.after ?? nextDay
    for (let next = decide(world.events, world.now); next.do !== 'finished'; next = decide(world.events, world.now)) world = moves(world, next)[0]?.after ?? world
    const before = timeOf(world.events, 'step-done', 'check:0')
    expect(timeOf(world.events, 'intent-recorded', 'off') - before).toBeGreaterThanOrEqual(3_600_000)
  })

  it('a grace that was under way when the run died ends when it would have ended, neither earlier nor anew', async () => {
    const { outside, once, engine, rotation } = await play({ timing: { grace: 3_600_000 } })
    const first = await once()
    const end = first.is === 'waiting' ? first.until : 0
    outside.now = end - 1_000
    expect(await once()).toMatchObject({ is: 'waiting', until: end, why: 'grace' })
    expect(outside.effects).not.toContain('off a')
    await request(engine, rotation, 'resume')
    expect(await once()).toMatchObject({ is: 'waiting', until: end })
  })
})

describe('an error that skips publishing yet reads success', () => {
  const steps = ['mint', 'probe:new', 'publish:0', 'reload:0.0', 'attest:0.0', 'gate:off', 'off', 'prove:off', 'sweep', 'receipt']
  it.each(steps)('%s refused: it closes as done only with every step of the plan done', (step) => {
    for (const fault of ['RIGHTS_MISSING', 'CREDENTIAL_REJECTED']) {
      const { events } = afterwards(until(step), `${step} ${fault}`)
      const { closed, done, plan } = foldProgress(events)
      const missing = plan.steps.filter((each) => !done.has(each.id)).map((each) => each.id)
      expect([fault, closed?.result === 'done' ? missing : []]).toEqual([fault, []])
      expect(['done', 'rolled-back', 'open']).toContain(closed?.result ?? 'open')
    }
  })
})

describe('wrong retry', () => {
  it('a value that the issuer rejects is not tried for ever: patience ends, and a person is told or it goes back', async () => {
    const { outside, on, events } = await play()
    outside.faults.accepts = (id) => id !== 'b'
    expect(await on()).toMatchObject({ is: 'closed', result: 'rolled-back', code: 'CREDENTIAL_REJECTED' })
    const all = await events()
    expect((all.at(-1)?.at ?? 0) - (all[0]?.at ?? 0)).toBeLessThan(PATIENCE_MS)
  })

  it('nothing is stuck in "rotating": whatever stops, it is closed, waits until a time, or names what a person has to do', () => {
    for (const step of ['mint', 'publish:0', 'reload:0.0', 'off', 'prove:off', 'gone', 'sweep']) {
      const stuck = afterwards(until(step), `${step} RIGHTS_MISSING`)
      const { closed, paused } = foldProgress(stuck.events)
      expect([step, closed !== undefined || paused !== undefined]).toEqual([step, true])
    }
  })
})

describe('a lock without fencing', () => {
  it('an owner whose lease ran out writes nothing more, and every effect carries the fence of its owner', async () => {
    const state = await freshState()
    await openOne(state, 'one')
    const slow = await take(state, 'one', 'slow')
    const quick = await claim(state.db, 'one', 'quick', () => NOW + 60_000, () => false)
    expect(quick.claim.fence).toBeGreaterThan(slow.fence)
    await expect(append(state, slow, [entry(2)])).rejects.toMatchObject({ code: 'FENCED' })
    await append(state, quick.claim, [entry(2)])
    expect(await readJournal(state.db, 'one')).toHaveLength(2)
  })

  it('a successor settles what its predecessor left open before it attempts anything: "no" counts only after deadline and settling', () => {
    const open = moves(until('mint')).find((move) => move.name === 'mint taken over')?.after ?? begin(specimenPlan())
    const intent = open.events.findLast((event) => event.type === 'intent-recorded')
    expect(decide(open.events, open.now)).toMatchObject({ do: 'settle', notLateAfter: (intent?.type === 'intent-recorded' ? intent.deadline : 0) + 2_000 })
  })
})

describe('two of a pair rotated within seconds', () => {
  it('the second is refused while the first is open, whatever secret names the pair', async () => {
    const { engine, manifest, once, rotation } = await play({ timing: { grace: 3_600_000 } })
    expect(await once()).toMatchObject({ is: 'waiting', why: 'grace' })
    const { identity } = engine.state
    const plan = await planSecret(engine, manifest, 'database', { look: true, ...(identity === undefined ? {} : { identity }) })
    await expect(openRotation(engine, plan, { reason: 'again', adopt: false })).rejects.toMatchObject({ code: 'ROTATION_OPEN', about: rotation })
    await expect(openRotation(engine, { ...plan, secret: 'reports' }, { reason: 'again', adopt: true })).rejects.toMatchObject({ code: 'ROTATION_OPEN' })
  })

  it('no login of the pair is ended before the consumers hold the other one', async () => {
    const { outside, on } = await play()
    outside.faults.accepts = () => {
      const ended = [...outside.logins].find(([, login]) => !login.on)?.[0]
      if (ended !== undefined && outside.held.startsWith(`${ended}:`)) throw new Error('the consumer holds what is off')
      return true
    }
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(outside.effects).toEqual(['mint b', 'write', 'reload', 'off a', 'gone a'])
  })
})

describe('slots full', () => {
  it('a mint without room is refused and nothing is deleted to make some', async () => {
    const { outside, on } = await play()
    const before = new Map(outside.logins)
    outside.faults.mint = () => refused('SLOTS_FULL')
    expect(await on()).toMatchObject({ is: 'closed', result: 'rolled-back', code: 'SLOTS_FULL' })
    expect(outside.effects).toEqual([])
    expect(outside.logins).toEqual(before)
  })
})

describe('nobody told the consumers', () => {
  it('a consumer that did not take the new value keeps the old one alive', async () => {
    const { outside, once, on } = await play({ timing: { grace: 60_000 } })
    const old = outside.stored
    expect(await once()).toMatchObject({ is: 'waiting', why: 'grace' })
    // Somebody starts it from an old template after it was attested.
    outside.held = old
    outside.now += 60_000
    expect(await on()).toMatchObject({ is: 'waiting', why: 'gate', about: expect.stringContaining('one holds the old value') })
    expect(outside.effects).not.toContain('off a')
    expect(outside.logins.get('a')?.on).toBe(true)
  })

  it('without a consumer in the manifest the plan says so', () => {
    expect(specimenPlan({ waves: [] }).summary.notices).toContain('no consumer is named: nobody is told of the new value')
    expect(specimenPlan().summary.notices).toEqual([])
  })
})

describe('restart for nothing', () => {
  it('a crash after a consumer took the value does not reload it again, and a publish that is there is not written again', async () => {
    const { outside, dieAt, on } = await play()
    await dieAt('publish:0', 'after-effect')
    await dieAt('reload:0.0', 'after-effect')
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(outside.effects.filter((effect) => effect === 'write' || effect === 'reload')).toEqual(['write', 'reload'])
  })

  it.each(['probe:new', 'publish:0'])('on the way back from %s nothing was presented, so nothing is reloaded', (step) => {
    const { events } = afterwards(until(step), `${step} CREDENTIAL_REJECTED`)
    expect(foldProgress(events).closed?.result).toBe('rolled-back')
    expect(intents(events).filter((each) => each.includes('reload') || each.startsWith('back:publish'))).toEqual([])
  })

  it('an unrelated outage restarts nothing: a red check pauses and does not go back', () => {
    const world = afterwards(until('check:0', { checks: 1 }), 'check:0 CHECK_FAILED')
    expect(foldProgress(world.events)).toMatchObject({ direction: 'forward', paused: { code: 'CHECK_FAILED' } })
    expect(intents(world.events).filter((each) => each.startsWith('back:'))).toEqual([])
  })
})

describe('a verify failure from lag discards what was applied', () => {
  it('a new one that is not everywhere yet is probed again within the settling time, and kept', async () => {
    const { outside, on } = await play()
    const made = (): boolean => outside.effects.includes('mint b')
    let since = Number.NaN
    outside.faults.accepts = (id) => {
      if (id === 'b' && made() && Number.isNaN(since)) since = outside.now
      return id !== 'b' || outside.now - since >= 700
    }
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(outside.effects.filter((effect) => effect === 'mint b')).toHaveLength(1)
  })

  it('but an account that locks after a few wrong logins is not locked by it (I12)', async () => {
    const { outside, on } = await play({ lockout: 3 })
    let wrong = 0
    outside.faults.accepts = (id) => {
      if (id === 'b') wrong += 1
      return id !== 'b'
    }
    expect(await on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    // Once to verify, once to tell whose fault it is; then it is off.
    expect(wrong).toBeLessThanOrEqual(2)
  })

  it('a probe that gives no verdict is no rejection: it is asked again, and nothing is discarded', () => {
    const silent = moves(until('probe:new')).find((move) => move.name === 'probe:new unknown')?.after ?? begin(specimenPlan())
    expect(decide(silent.events, silent.now)).toMatchObject({ do: 'sleep', why: 'retry', step: { id: 'probe:new' } })
  })
})

describe('confirm revokes the only working key', () => {
  it('the gate probes the new one at that very moment: when it is not accepted, the old one stays', async () => {
    const { outside, on } = await play({ timing: { grace: 1_000 } })
    outside.faults.accepts = (id) => id !== 'b' || !outside.effects.includes('reload')
    const stopped = await on()
    expect(outside.effects).not.toContain('off a')
    expect(outside.logins.get('a')?.on).toBe(true)
    expect(stopped).toMatchObject({ is: 'waiting', why: 'gate', about: expect.stringContaining('the new credential is not accepted now') })
  })

  it('a gate that opened more than half a minute ago is evaluated again before the ending', () => {
    const world = until('off')
    expect(decide(world.events, world.now + 31_000)).toMatchObject({ do: 'attempt', step: { id: 'gate:off' } })
  })
})

describe('an answer that is no proof counts as deleted', () => {
  it('an ending that got an error is looked up, and the credential is proven dead by its own rejection', () => {
    let world = until('off')
    world = write(world, { type: 'intent-recorded', step: 'off', attempt: 1, deadline: world.now + 1_000, tag: 't' })
    const lost: Answer<never> = unknown('SERVER_ERROR')
    world = write(world, { type: 'step-unknown', step: 'off', attempt: 1, code: lost.is === 'unknown' ? lost.code : 'INTERNAL' })
    expect(decide(world.events, world.now)).toMatchObject({ do: 'settle', step: { id: 'off' } })
    const still = afterwards(until('prove:off'), 'prove:off OLD_STILL_ON')
    expect(timeOf(still.events, 'step-done', 'prove:off')).toBeGreaterThan(timeOf(still.events, 'step-refused', 'prove:off'))
  })
})
