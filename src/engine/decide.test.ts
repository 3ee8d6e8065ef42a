import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { brokenBy, decideTwice } from '../../test/fixture/promises.ts'
import { begin, interruptions, type Move, moves, turnRequest, type World, write } from '../../test/fixture/simulator.ts'
import { specimenPlan, type Wishes } from '../../test/fixture/specimen.ts'
import { brokenInvariants } from '../journal/invariants.ts'
import { advance, foldProgress } from '../journal/progress.ts'
import { pastReturn } from '../journal/steps.ts'
import { backoff, decide, decideFrom, PATIENCE_MS } from './decide.ts'

/** From anywhere, when all goes well: no rotation here has more steps than this to its end, the way back included. */
const LONGEST = 150

/** Throws what is broken by the entries that the move wrote; each prefix is decided on, at its own time and a day later. */
function check(before: World, move: Move): void {
  const { events, now } = move.after
  for (let length = before.events.length + 1; length <= events.length; length += 1) {
    const prefix = events.slice(0, length)
    const broken = brokenBy(prefix)
    if (broken.length > 0) throw new Error(`${broken.join('; ')} ${story(events)}`)
    const progress = foldProgress(prefix)
    for (const at of [now, now + 86_400_000]) {
      const next = decideFrom(progress, at)
      if (next.do === 'turn' && pastReturn(progress)) throw new Error(`turns after gone was intended ${story(prefix)}`)
      if (next.do === 'finished' && progress.closed === undefined) throw new Error(`finished without an end ${story(prefix)}`)
    }
  }
}

const intents = (events: World['events']): string[] => events.flatMap((event) => (event.type === 'intent-recorded' ? [event.step] : []))

function story(events: World['events']): string {
  return events.map((event) => ('step' in event ? `${event.type} ${event.step}` : event.type)).join(' > ')
}

/** Everything goes well from here on. Throws when that leads to no end. */
function toTheEnd(from: World): World {
  let world = from
  for (let taken = 0; taken < LONGEST; taken += 1) {
    const [well] = moves(world, decideTwice(world))
    if (well === undefined) return world
    check(world, well)
    world = well.after
  }
  throw new Error(`no end: ${story(world.events)}`)
}

/** Every journal in which at most so many things go other than well. Answers the results, and how many journals there are. */
function explore(from: World, budget: number, results: Map<string, number>): void {
  let world = from
  for (let taken = 0; taken < LONGEST; taken += 1) {
    const [well, ...other] = moves(world, budget > 0 ? decideTwice(world) : decide(world.events, world.now))
    if (well === undefined) {
      const closed = foldProgress(world.events).closed?.result ?? 'open'
      results.set(closed, (results.get(closed) ?? 0) + 1)
      return
    }
    for (const move of budget > 0 ? [...other, ...interruptions(world)] : []) {
      check(world, move)
      explore(move.after, budget - 1, results)
    }
    check(world, well)
    world = well.after
  }
  throw new Error(`no end: ${story(world.events)}`)
}

const SHAPES: readonly (readonly [string, Wishes])[] = [
  ['alternate', {}],
  ['alternate with waves, stores and checks', { stores: 2, waves: [1, 2], checks: 1, postflight: 1 }],
  ['alternate without waits', { timing: { grace: 0, quiet: 0, undo: 0 } }],
  ['in-place', { strategy: 'in-place' }],
  ['in-place with waves, stores and checks', { strategy: 'in-place', stores: 2, waves: [2, 1], checks: 1 }],
  ['in-place, checked by the consumers', { strategy: 'in-place', traits: { acceptor: 'consumers' } }],
  [
    'overlap of made values that can only be ended for good',
    { strategy: 'overlap', traits: { value: 'made', locate: 'tag', ends: ['gone'] } },
  ],
  [
    'dual-key with waves and stores',
    { strategy: 'dual-key', stores: 2, waves: [1, 1], checks: 1, shows: true, timing: { grace: 7_200_000, tokens: { life: 3_600_000, cache: 600_000 } }, traits: { acceptor: 'consumers', ends: [], settle: 0 } },
  ],
]

describe('decide, over every journal', () => {
  it.each(SHAPES)('%s: keeps every promise and comes to an end, whatever one thing goes wrong', (_, wishes) => {
    const results = new Map<string, number>()
    explore(begin(specimenPlan(wishes)), 1, results)
    expect(results.get('done')).toBeGreaterThan(10)
    expect(results.get('rolled-back')).toBeGreaterThan(3)
    expect(results.get('refused')).toBeGreaterThan(3)
    expect(results.get('open')).toBeUndefined()
  })

  it.each(
    [SHAPES[0], SHAPES[3]].flatMap((shape) => (shape === undefined ? [] : [shape]))
  )('%s: and whatever two things go wrong', { timeout: 300_000 }, (_, wishes) => {
    const results = new Map<string, number>()
    explore(begin(specimenPlan(wishes)), 2, results)
    expect([...results.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(5_000)
  })

  it.each(SHAPES)('%s: and beyond, for journals made at random', { timeout: 120_000 }, (_, wishes) => {
    const plan = specimenPlan(wishes)
    const walk = fc.array(fc.nat(29), { maxLength: 120 })
    const property = fc.property(walk, (choices) => {
      let world = begin(plan)
      for (const choice of choices) {
        const possible = moves(world, decideTwice(world))
        if (possible.length === 0) break
        const all = [...possible, ...interruptions(world)]
        // Half of the time it goes well, so that the later steps are reached.
        const move = choice >= 15 ? possible[0] : all[choice % all.length]
        if (move === undefined) break
        check(world, move)
        world = move.after
      }
      const { events } = toTheEnd(world)
      const result = foldProgress(events).closed?.result
      const turned = events.some((event) => event.type === 'direction-turned')
      if (turned !== (result === 'rolled-back')) throw new Error(`${result} ${story(events)}`)
      expect(brokenInvariants(events)).toEqual([])
      expect(events.slice(1).reduce(advance, foldProgress(events.slice(0, 1)))).toEqual(foldProgress(events))
    })
    const run = fc.check(property, { numRuns: 150 })
    expect(run.failed ? [String(run.errorInstance), run.counterexample] : []).toEqual([])
  })
})

/** Answers every decision with the named moves in turn, and with what goes well where there is none of that name. */
function stubborn(from: World, names: readonly string[], steps: number): World {
  let world = from
  for (let at = 0; at < steps; at += 1) {
    const next = decide(world.events, world.now)
    if (next.do === 'stay' || next.do === 'finished') return world
    const possible = moves(world, next)
    const name = names[at % names.length] ?? ''
    const move = possible.find((each) => each.name === name) ?? (
      next.do === 'sleep' || !('step' in next) || !name.startsWith(next.step.id) ? possible[0] : possible.find(
        (each) => names.includes(each.name)
      ) ?? possible[0]
    )
    if (move === undefined) return world
    check(world, move)
    world = move.after
  }
  return world
}

const FORWARD = specimenPlan({ checks: 1 }).steps.filter(
  (step) => step.do !== 'wait' && step.do !== 'receipt'
).map((step) => step.id)

describe('decide, when a step goes wrong for ever', () => {
  it.each(FORWARD)('%s: tries again with patience, never in a hot loop, and then tells a person or goes back', (step) => {
    for (const bad of ['UNREACHABLE', 'unknown', 'RIGHTS_MISSING', 'asked', 'locked', 'held', 'absent', 'not to be seen']) {
      const begun = begin(specimenPlan({ checks: 1 }))
      const ended = stubborn(begun, [`${step} ${bad}`], 1_000)
      const perMinute = new Map<number, number>()
      for (const event of ended.events) {
        if (!('step' in event) || event.step !== step) continue
        const minute = Math.floor(event.at / 60_000)
        perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1)
      }
      // Two entries for each of ten tries in the first seconds, then one try in ten seconds; a held gate looks each second.
      expect(Math.max(0, ...perMinute.values())).toBeLessThanOrEqual(bad === 'held' ? 61 : 40)
    }
  })

  it('does not loop when a gate gives no answer and then holds', () => {
    let world = begin(specimenPlan())
    while (true) {
      const next = decide(world.events, world.now)
      if (next.do === 'attempt' && next.step.id === 'gate:off') break
      world = moves(world, next)[0]?.after ?? world
    }
    world = write(world, { type: 'step-unknown', step: 'gate:off', attempt: 1, code: 'DEADLINE' })
    world = write(
      { ...world, now: world.now + 1_000 },
      { type: 'gate-held', step: 'gate:off', reasons: ['in use'], retryAt: world.now + 6_000 },
    )
    expect(decide(world.events, world.now)).toMatchObject({ do: 'sleep', why: 'gate' })
  })

  it('does not loop when a gate that is evaluated again gives no answer', () => {
    const world = until('off')
    const late = { ...world, now: world.now + 31_000 }
    const silent = after(late, 'gate:off unknown')
    expect(decide(silent.events, silent.now)).toMatchObject({ do: 'sleep', why: 'retry', step: { id: 'gate:off' } })
    const refused = after(late, 'gate:off RIGHTS_MISSING')
    expect(decide(refused.events, refused.now)).toMatchObject({ do: 'pause', step: { id: 'gate:off' } })
  })

  it('waits longer before each new try, ten seconds at most', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 100].map(backoff)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000])
  })

  it('calls a person when its patience is over, and begins anew after a resume', () => {
    let world = begin(specimenPlan())
    world = moves(world)[0]?.after ?? world
    world = stubborn(world, ['probe:new UNREACHABLE'], 200)
    const progress = foldProgress(world.events)
    expect(progress.paused).toMatchObject({ step: 'probe:new', code: 'UNREACHABLE' })
    const times = world.events.flatMap((event) => (event.type === 'step-refused' ? [event.at] : []))
    const last = times.at(-1) ?? 0
    expect(last - (times[0] ?? 0)).toBeGreaterThanOrEqual(PATIENCE_MS - 10_100)
    const [resumed] = moves(world)
    expect(
      decide(resumed?.after.events ?? [], resumed?.after.now ?? 0)
    ).toMatchObject({ do: 'attempt', step: { id: 'probe:new' } })
  })

  it('looks at an unknown for as long as it takes, and never attempts it again before it was seen (I2)', () => {
    let world = begin(specimenPlan())
    world = moves(world)[0]?.after ?? world
    const ended = stubborn(world, ['mint unknown', 'mint not to be seen'], 400)
    expect(ended.events.filter((event) => event.type === 'intent-recorded')).toHaveLength(1)
    expect(ended.now - world.now).toBeGreaterThan(PATIENCE_MS)
  })
})

/** All goes well until this step is decided on. */
function until(step: string, wishes: Wishes = {}): World {
  let world = begin(specimenPlan(wishes))
  for (let taken = 0; taken < LONGEST; taken += 1) {
    const next = decide(world.events, world.now)
    if (next.do === 'attempt' && next.step.id === step) return world
    world = moves(world, next)[0]?.after ?? world
  }
  throw new Error(`never came to ${step}`)
}

function after(world: World, name: string): World {
  const found = [...moves(world), ...interruptions(world)].find((move) => move.name === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found.after
}

describe('decide', () => {
  it('closes as refused when the preflight is not green: nothing was changed', () => {
    const { events } = toTheEnd(after(until('preflight'), 'preflight RIGHTS_MISSING'))
    expect(events.at(-1)).toMatchObject({ type: 'rotation-closed', result: 'refused', code: 'RIGHTS_MISSING' })
    expect(events.some((event) => event.type === 'intent-recorded')).toBe(false)
  })

  it('goes back without touching anything when it is aborted before its preflight', () => {
    const world = turnRequest(until('preflight'))
    const { events } = toTheEnd(world ?? until('preflight'))
    expect(events.flatMap((event) => (event.type === 'step-done' ? [event.step] : []))).toEqual(['back:sweep', 'back:receipt'])
    expect(events.at(-1)).toMatchObject({ result: 'rolled-back' })
  })

  it('turns back by itself when new is rejected while old is accepted, and tells a person of any other red check', () => {
    const world = until('check:0', { checks: 1 })
    const rejected = after(world, 'check:0 CREDENTIAL_REJECTED')
    expect(decide(rejected.events, rejected.now)).toMatchObject({ do: 'turn', code: 'CREDENTIAL_REJECTED' })
    const red = after(world, 'check:0 CHECK_FAILED')
    expect(decide(red.events, red.now)).toMatchObject({ do: 'pause', code: 'CHECK_FAILED' })
  })

  it('does not wait for a consumer where users wait: in place it goes back at once (C-08)', () => {
    const world = after(until('attest:0.0', { strategy: 'in-place' }), 'attest:0.0 UNREACHABLE')
    expect(decide(world.events, world.now)).toMatchObject({ do: 'turn' })
    const overlapping = after(until('attest:0.0'), 'attest:0.0 UNREACHABLE')
    expect(decide(overlapping.events, overlapping.now)).toMatchObject({ do: 'sleep', why: 'retry' })
  })

  it.each(['off', 'gone'])('evaluates an old gate again before every attempt at %s, the repeated ones too (I6)', (step) => {
    const gate = { do: 'attempt', step: { id: `gate:${step}` } }
    const world = until(step)
    expect(decide(world.events, world.now)).toMatchObject({ do: 'attempt', step: { id: step } })
    expect(decide(world.events, world.now + 31_000)).toMatchObject(gate)
    const refused = after(world, `${step} UNREACHABLE`)
    expect(decide(refused.events, refused.now + 31_000)).toMatchObject(gate)
    const lost = after(after(world, `${step} unknown`), `${step} absent`)
    expect(decide(lost.events, lost.now + 31_000)).toMatchObject(gate)
  })

  it('keeps counting the trouble of an ending while its gate is evaluated again', () => {
    const refused = after(until('off'), 'off UNREACHABLE')
    const late = { ...refused, now: refused.now + PATIENCE_MS - 1_000 }
    const again = after(after(late, 'gate:off done'), 'off UNREACHABLE')
    expect(decide(again.events, again.now + 1_000)).toMatchObject({ do: 'pause', code: 'UNREACHABLE' })
  })

  it('ends nothing and begins no wait on a clock that is behind the journal', () => {
    for (const step of ['gate:off', 'off', 'gate:gone', 'gone']) {
      const world = until(step)
      expect(decide(world.events, world.now - 10_000)).toMatchObject({ do: 'pause', code: 'CLOCK_WRONG' })
      const refused = after(world, `${step} UNREACHABLE`)
      const claimed = after({ ...refused, now: refused.now + 200_000 }, 'crash')
      expect(decide(claimed.events, claimed.now - 100_000)).toMatchObject({ do: 'pause', code: 'CLOCK_WRONG' })
    }
    const world = after(until('attest:0.0'), 'attest:0.0 done')
    expect(decide(world.events, world.now)).toMatchObject({ do: 'begin-wait', step: { id: 'grace' } })
    expect(decide(world.events, world.now - 10_000)).toMatchObject({ do: 'pause', code: 'CLOCK_WRONG' })
  })

  it('honours a turn up to the intent for gone, and never after it (I9)', () => {
    const world = until('gone')
    const asked = turnRequest(world)
    expect(
      asked === undefined ? undefined : decide(asked.events, asked.now)
    ).toMatchObject({ do: 'turn', about: 'undo requested by somebody' })
    for (const name of ['gone UNREACHABLE', 'gone RIGHTS_MISSING', 'gone crash', 'gone CREDENTIAL_REJECTED']) {
      const gone = after(world, name)
      expect(turnRequest(gone)).toBeUndefined()
      const forced = write(gone, { type: 'turn-requested', by: 'somebody', why: 'undo' })
      expect(decide(forced.events, forced.now).do).not.toBe('turn')
      expect(foldProgress(toTheEnd(forced).events).closed?.result).toBe('done')
    }
  })

  it('mints a value that the provider makes twice at most when mints get lost, and then goes back (I3)', () => {
    let world = until('mint', { strategy: 'overlap', traits: { value: 'made', locate: 'tag' } })
    for (const attempt of [1, 2]) {
      if (attempt === 2) world = after(world, 'reclaim done')
      expect(decide(world.events, world.now)).toMatchObject({ do: 'attempt', step: { id: 'mint' }, attempt })
      const lost = after(world, 'mint unknown')
      const absent = after({ ...lost, now: lost.now + 60_000 }, 'mint absent')
      world = { ...absent, now: absent.now + 60_000 }
    }
    expect(decide(world.events, world.now)).toMatchObject({ do: 'turn' })
  })

  it('ends what a lost mint left before it mints again, and looks for it once more before the receipt (I3)', () => {
    const lost = after(until('mint', { strategy: 'overlap', traits: { value: 'made', locate: 'tag' } }), 'mint unknown')
    const absent = after({ ...lost, now: lost.now + 60_000 }, 'mint absent')
    const ended = toTheEnd({ ...absent, now: absent.now + 60_000 })
    expect(intents(ended.events).slice(0, 3)).toEqual(['mint', 'reclaim', 'mint'])
    expect(intents(ended.events).at(-1)).toBe('reclaim:end')
    expect(intents(toTheEnd(until('mint', { strategy: 'overlap', traits: { value: 'made', locate: 'tag' } })).events)).not.toContain('reclaim')
  })

  it('asks nobody twice about suspects: without a tag there is no second look on the way forward', () => {
    const plan = foldProgress(until('mint', { strategy: 'overlap', traits: { value: 'made', locate: 'baseline' } }).events).plan
    expect(plan.steps.flatMap((step) => (step.do === 'reclaim' ? [step.id] : []))).toEqual(['reclaim'])
    expect(plan.back.flatMap((step) => (step.do === 'reclaim' ? [step.id] : []))).toEqual(['back:reclaim:end'])
  })

  it('has no way back once a provider makes the only value that works: it waits for a person instead', () => {
    const wishes = { strategy: 'in-place' as const, traits: { value: 'made' as const } }
    const refused = after(until('mint', wishes), 'mint RIGHTS_MISSING')
    expect(decide(refused.events, refused.now)).toMatchObject({ do: 'turn' })
    const red = after(until('attest:0.0', wishes), 'attest:0.0 CREDENTIAL_REJECTED')
    expect(decide(red.events, red.now)).toMatchObject({ do: 'pause' })
    expect(turnRequest(red)).toBeUndefined()
  })

  it('takes the answer to a task for the step, a declined mint for a refusal, and asks again after a resume', () => {
    const asked = after(until('mint'), 'mint asked')
    const paused = after(asked, 'pause')
    expect(foldProgress(paused.events).asked).toMatchObject({ step: 'mint', attempt: 1 })
    const declined = after(paused, 'mint declined')
    expect(decide(declined.events, declined.now)).toMatchObject({ do: 'turn', code: 'DECLINED' })
    // A task to prepare something is no mint: it is attempted again.
    for (const move of ['mint answered', 'resume']) {
      const again = after(paused, move)
      expect(decide(again.events, again.now)).toMatchObject({ do: 'attempt', step: { id: 'mint' }, attempt: 2 })
    }
  })

  it('forgets a task when somebody answers for what it is about, and when it is resumed: one that still stands is asked again', () => {
    const paused = after(after(until('watch'), 'watch asked'), 'pause')
    expect(foldProgress(paused.events).asked).toMatchObject({ step: 'watch' })
    for (const move of ['acknowledge', 'resume']) expect(foldProgress(after(paused, move).events).asked).toBeUndefined()
  })

  it('reminds of a task once a day until it is done, and of nothing else', () => {
    const paused = after(after(until('mint'), 'mint asked'), 'pause')
    expect(decide(paused.events, paused.now + 86_399_000)).toMatchObject({ do: 'stay' })
    const late = { ...paused, now: paused.now + 86_400_000 }
    expect(decide(late.events, late.now)).toMatchObject({ do: 'remind', step: { id: 'mint' } })
    const told = after(late, 'remind')
    expect(decide(told.events, told.now + 1_000)).toMatchObject({ do: 'stay' })
    expect(decide(told.events, told.now + 86_400_000)).toMatchObject({ do: 'remind' })
    const failed = after(after(until('off'), 'off RIGHTS_MISSING'), 'pause')
    expect(decide(failed.events, failed.now + 9e9)).toMatchObject({ do: 'stay' })
  })

  it('settles what is open before it turns', () => {
    const open = after(until('publish:0'), 'publish:0 crash')
    const asked = turnRequest(open)
    expect(
      asked === undefined ? undefined : decide(asked.events, asked.now)
    ).toMatchObject({ do: 'settle', step: { id: 'publish:0' } })
  })

  it('folds one entry at a time without touching the fold before it', () => {
    const { events } = toTheEnd(after(until('gone', { checks: 1 }), 'turn request'))
    const folds = events.slice(1).reduce(
      (all, event) => [...all, advance(all.at(-1) ?? foldProgress(events), event)],
      [foldProgress(events.slice(0, 1))],
    )
    expect(folds).toEqual(events.map((_, index) => foldProgress(events.slice(0, index + 1))))
  })

  it('looks until deadline and settling time of a lost effect are over before "no" counts (I10)', () => {
    const lost = after(until('mint'), 'mint crash')
    const intent = lost.events.find((event) => event.type === 'intent-recorded')
    expect(decide(lost.events, lost.now)).toMatchObject({ do: 'settle', notLateAfter: (intent?.deadline ?? 0) + 2_000 })
  })
})
