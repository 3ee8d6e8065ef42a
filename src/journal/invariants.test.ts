import { describe, expect, it } from 'vitest'
import { begin, moves, seenBy, START, type World } from '../../test/fixture/simulator.ts'
import { specimenPlan, type Wishes } from '../../test/fixture/specimen.ts'
import type { Event, TimedEvent } from './event.ts'
import { assertInvariants, brokenInvariants, INVARIANTS } from './invariants.ts'
import { foldProgress } from './progress.ts'
import { stepOf } from './steps.ts'

/** The journal of a rotation in which all went well. */
function whole(wishes: Wishes = {}): readonly TimedEvent[] {
  let world: World = begin(specimenPlan(wishes))
  for (let move = moves(world)[0]; move !== undefined; move = moves(world)[0]) world = move.after
  return world.events
}

/** Its beginning, up to and without the first entry of this kind. */
function before(is: (event: TimedEvent) => boolean, wishes: Wishes = {}): TimedEvent[] {
  const events = whole(wishes)
  return events.slice(0, events.findIndex(is))
}

const intentOf = (step: string) => (event: TimedEvent): boolean => event.type === 'intent-recorded' && event.step === step

/** A journal with more entries, each `takes` ms after the one before. */
function planted(events: readonly TimedEvent[], entries: readonly Event[], takes = 10): TimedEvent[] {
  const last = events.at(-1)?.at ?? START
  return [...events, ...entries.map((entry, index): TimedEvent => ({ ...entry, at: last + takes * (index + 1) }))]
}

const intent = (step: string, attempt = 1): Event => (
  { type: 'intent-recorded', step, attempt, deadline: START * 2, tag: `kt-${attempt}` }
)
const stepDone = (step: string, evidence = {}): Event => ({ type: 'step-done', step, attempt: 1, evidence })
const askedOf = (step: string, receivers: readonly string[]): Event => ({ type: 'step-asked', step, attempt: 1, task: { kind: 'confirm', title: 'Hand it over', steps: [], receivers } })
const turned: Event = { type: 'direction-turned', code: 'ROLLED_BACK', about: 'abort' }
const claimed = (fence: number): Event => ({ type: 'rotation-claimed', by: 'another', fence, predecessor: 'dead' })

/** The same, begun together with `two`. */
function inBatch(events: readonly TimedEvent[]): TimedEvent[] {
  return events.map((event) => (event.type === 'rotation-opened' ? { ...event, member: { campaign: 'all', batch: [event.rotation, 'two'] } } : event))
}

/** The beginning of a rotation that goes back, up to the ending of the new credential, its gate opened. */
function goingBack(): TimedEvent[] {
  const plan = specimenPlan()
  const begun = planted(before(intentOf('off')), [turned])
  const steps = plan.back.slice(0, plan.back.findIndex((step) => step.id === 'back:off:new'))
  const entries = steps.filter((step) => step.needs !== 'ended').flatMap(
    (step): Event[] => ('effect' in step ? [intent(step.id), stepDone(step.id)] : [stepDone(step.id, seenBy(step))])
  )
  return planted(begun, entries)
}

/** Two keys that the consumers check. */
const DUAL: Wishes = {
  strategy: 'dual-key', traits: { acceptor: 'consumers', ends: [], settle: 0 }, timing: { grace: 7_200_000, tokens: { life: 3_600_000, cache: 60_000 } },
}

/** The beginning of a rotation of such keys that goes back after the new one was presented, up to its forgetting, without the wait before it. */
function keyGoingBack(): TimedEvent[] {
  const begun = planted(before((event) => event.type === 'wait-started' && event.step === 'grace', DUAL), [turned])
  const { back } = specimenPlan(DUAL)
  const steps = back.slice(0, back.findIndex((step) => step.id === 'back:grace'))
  return planted(begun, [...steps.flatMap((step): Event[] => ('effect' in step ? [intent(step.id), stepDone(step.id)] : [stepDone(step.id)])), stepDone('back:gate:forget')])
}

const PLANTED: Readonly<Record<string, Readonly<Record<string, readonly TimedEvent[]>>>> = {
  I1: {
    'an effect without an intent': planted(before(intentOf('mint')), [stepDone('mint')]),
    'an intent while another is open': planted(before(intentOf('mint')), [intent('mint'), intent('publish:0')]),
    'a look before the outcome of an effect': planted(before(intentOf('mint')), [intent('mint'), stepDone('probe:new')]),
    'an end while an effect is open': planted(
      before(intentOf('mint')),
      [intent('mint'), { type: 'rotation-closed', result: 'done' }],
    ),
    'an entry after the end': planted(whole(), [claimed(9)]),
    'a reload by one that is not of its batch': planted(before(intentOf('reload:0.0')), [{ type: 'reload-shared', step: 'reload:0.0', by: 'stranger' }]),
    'a reload by another before the value was published': planted(inBatch(before(intentOf('publish:0'))), [{ type: 'reload-shared', step: 'reload:0.0', by: 'two' }]),
    'a reload by another that is none': planted(inBatch(before(intentOf('reload:0.0'))), [{ type: 'reload-shared', step: 'publish:0', by: 'two' }]),
    'a reload by another on the way back': planted(inBatch(before(intentOf('reload:0.0'))), [turned, { type: 'reload-shared', step: 'reload:0.0', by: 'two' }]),
  },
  I2: {
    'done after an unknown without a look': planted(
      before(intentOf('mint')),
      [intent('mint'), { type: 'step-unknown', step: 'mint', attempt: 1, code: 'DEADLINE' }, stepDone('mint')],
    ),
    'refused after an unknown without a look': planted(before(intentOf('mint')), [
      intent('mint'), { type: 'step-unknown', step: 'mint', attempt: 1, code: 'DEADLINE' }, {
        type: 'step-refused',
        step: 'mint',
        attempt: 1,
        code: 'RIGHTS_MISSING',
      },
    ]),
    'done after a crash without a look': planted(before(intentOf('mint')), [intent('mint'), claimed(2), stepDone('mint')]),
  },
  I3: {
    'the same attempt twice': planted(
      before(intentOf('mint')),
      [intent('mint'), { type: 'step-absent', step: 'mint', attempt: 1 }, intent('mint')],
    ),
    'a third mint of a made value': planted(before(intentOf('mint'), { strategy: 'overlap', traits: { value: 'made' } }), [
      intent('mint', 1), {
        type: 'step-absent',
        step: 'mint',
        attempt: 1,
      }, intent('mint', 2), { type: 'step-absent', step: 'mint', attempt: 2 }, intent('mint', 3),
    ]),
  },
  I4: {
    'an ending before the grace is over': planted(before((event) => event.type === 'step-done' && event.step === 'grace'), [
      stepDone('watch'), stepDone('gate:off'), intent('off'),
    ]),
    'an ending without the wait before it': planted(
      before((event) => event.type === 'wait-started' && event.step === 'grace'),
      [stepDone('gate:off'), intent('off')],
    ),
    'a wait that is done before its time': planted(
      before((event) => event.type === 'step-done' && event.step === 'grace'),
      [stepDone('grace')],
    ),
    'a wait that begins anew': planted(
      before((event) => event.type === 'step-done' && event.step === 'grace'),
      [{ type: 'wait-started', step: 'grace', until: START }],
    ),
    'the ending of the one that stays': planted(before(intentOf('off')), [intent('back:off:new')]),
    'a key that is forgotten before its grace is over': planted(
      before((event) => event.type === 'step-done' && event.step === 'grace', DUAL),
      [stepDone('gate:forget'), intent('forget:publish:0')],
    ),
    'a key that is forgotten while a token that it signed may be alive, for the grace was too short': withPlan(
      planted(before(intentOf('forget:publish:0'), DUAL), [intent('forget:publish:0')]),
      (plan) => ({ ...plan, timing: { ...plan.timing, tokens: { life: 86_400_000, cache: 60_000 } } }),
    ),
    'a new key that is forgotten on the way back while a token that it signed may be alive': planted(keyGoingBack(), [intent('back:forget:publish:0')]),
    'an old key that is forgotten before the new one is presented': planted(
      before(intentOf('publish:0'), DUAL),
      [stepDone('gate:forget'), intent('forget:publish:0')],
    ),
  },
  I5: {
    'an ending without a recorded identity': withPlan(
      planted(before(intentOf('off')), [intent('off')]),
      ({ current: _current, ...plan }) => plan,
    ),
    'an ending where old and new are one': withPlan(
      planted(before(intentOf('off')), [intent('off')]),
      (plan) => ({ ...plan, next: { id: 'app' } }),
    ),
    'a turning on by a rotation that takes none back': withPlan(
      planted(before(intentOf('mint')), [intent('restore')]),
      (plan) => ({ ...plan, steps: [...plan.steps, { do: 'set', which: 'new', to: 'on', effect: true, id: 'restore', phase: 'accept', deadline: 1_000 }] }),
    ),
  },
  I6: {
    'an ending without a gate': planted(
      before((event) => event.type === 'step-done' && event.step === 'gate:off'),
      [intent('off')],
    ),
    'a key that is forgotten without a gate': planted(
      before((event) => event.type === 'step-done' && event.step === 'gate:forget', DUAL),
      [intent('forget:publish:0')],
    ),
    'a key that is forgotten long after its gate': planted(before(intentOf('forget:publish:0'), DUAL), [intent('forget:publish:0')], 60_001),
    'an ending long after its gate': planted(before(intentOf('off')), [intent('off')], 60_001),
    'an ending on the way back without its gate': planted(
      goingBack().filter((event) => !('step' in event && event.step === 'back:gate:new')),
      [intent('back:off:new')],
    ),
  },
  I7: {
    'gone before off': planted(
      before(intentOf('gone')).filter((event) => !(event.type === 'step-done' && event.step === 'off')),
      [intent('gone')],
    ),
  },
  I8: {
    'two keys, done without the proof that the plan has': planted(
      before((event) => event.type === 'step-done' && event.step === 'prove', { ...DUAL, checks: 1, shows: true }),
      [{ type: 'rotation-closed', result: 'done' }],
    ),
    'done without a proof': planted(
      before((event) => event.type === 'step-done' && event.step === 'prove:off'),
      [{ type: 'rotation-closed', result: 'done' }],
    ),
    'done while the old one is still accepted': planted(before(
      (event) => event.type === 'step-done' && event.step === 'prove:gone'
    ), [
      stepDone('prove:gone', { new: 'accepted', old: 'accepted' }), { type: 'rotation-closed', result: 'done' },
    ]),
    'rolled back without a proof': planted(goingBack(), [{ type: 'rotation-closed', result: 'rolled-back' }]),
    'a reload that is done without the word of one outside receiver': planted(before(intentOf('reload:0.0')), [
      intent('reload:0.0'), askedOf('reload:0.0', ['billing', 'shipping']), { type: 'receiver-acknowledged', step: 'reload:0.0', attempt: 1, receiver: 'billing', by: 'ada' },
      intent('reload:0.0', 2), stepDone('reload:0.0'),
    ]),
    'refused after something was changed': planted(
      before(intentOf('publish:0')),
      [{ type: 'rotation-closed', result: 'refused' }],
    ),
  },
  I9: {
    'forward after the turn': planted(before(intentOf('publish:0')), [turned, intent('publish:0')]),
    'a forward look after the turn': planted(before(intentOf('publish:0')), [turned, stepDone('attest:0.0')]),
    'back without a turn': planted(before(intentOf('publish:0')), [intent('back:publish:0')]),
    'a second turn': planted(before(intentOf('publish:0')), [turned, turned]),
    'an end as done on the way back': planted(
      goingBack(),
      [stepDone('back:prove:old', { new: 'accepted', old: 'rejected' }), { type: 'rotation-closed', result: 'done' }],
    ),
  },
  I10: {
    'an intent without time': planted(
      before(intentOf('mint')),
      [{ type: 'intent-recorded', step: 'mint', attempt: 1, deadline: START, tag: 'kt-1' }],
    ),
    'a fence that stays': planted(before(intentOf('mint')), [claimed(1)]),
    'a fence that goes back': planted(before(intentOf('mint')), [claimed(7), claimed(6)]),
  },
  I11: {
    'text from outside as evidence': planted(
      before(intentOf('mint')),
      [{ type: 'step-refused', step: 'probe:new', attempt: 1, code: 'SERVER_ERROR', evidence: { said: 'x'.repeat(121) } }],
    ),
    'text from outside as a name': planted(before(intentOf('mint')), [stepDone('probe:new', { ['x'.repeat(121)]: 1 })]),
  },
  I12: {
    'a check before the self-tests': planted(whole({ checks: 1 }).slice(0, 2), [stepDone('check:0')]),
  },
}

function withPlan(
  events: readonly TimedEvent[],
  change: (plan: ReturnType<typeof specimenPlan>) => ReturnType<typeof specimenPlan>,
): TimedEvent[] {
  return events.map((event) => (event.type === 'rotation-opened' ? { ...event, plan: change(event.plan) } : event))
}

describe('the invariants', () => {
  it('are the twelve of the design, in its order', () => {
    expect(INVARIANTS.map((invariant) => invariant.id)).toEqual(Array.from({ length: 12 }, (_, at) => `I${at + 1}`))
    expect(Object.keys(PLANTED)).toEqual(INVARIANTS.map((invariant) => invariant.id))
  })

  it('hold over journals in which all went well, forward and back', () => {
    for (const wishes of [{}, { strategy: 'in-place' }, { checks: 2, waves: [2, 2] }] as const) {
      expect(brokenInvariants(whole(wishes))).toEqual([])
    }
    expect(brokenInvariants(planted(goingBack(), [intent('back:off:new')]))).toEqual([])
  })

  describe.each(Object.entries(PLANTED))('%s', (id, journals) => {
    it.each(Object.entries(journals))('finds %s', (_, events) => {
      const broken = brokenInvariants(events)
      expect(broken.some((each) => each.startsWith(`${id}: `) && each.endsWith(`(entry ${events.length})`))).toBe(true)
      expect(() => { assertInvariants(events) }).toThrow(/JOURNAL_BROKEN|the journal was changed/)
      expect(brokenInvariants(events.slice(0, -1)).filter((each) => each.startsWith(`${id}: `))).toEqual([])
    })
  })

  it('name the entry that breaks them, and the debug mode throws at that entry and at no other', () => {
    const events = PLANTED['I6']?.['an ending without a gate'] ?? []
    expect(brokenInvariants(events)).toEqual([`I6: off without a fresh gate (entry ${events.length})`])
    for (let length = 1; length < events.length; length += 1) {
      expect(() => { assertInvariants(events.slice(0, length)) }).not.toThrow()
    }
  })

  it('of the planted journals none names a step that the plan does not have', () => {
    for (const events of Object.values(PLANTED).flatMap((journals) => Object.values(journals))) {
      const { plan } = foldProgress(events)
      const named = events.flatMap((event) => ('step' in event ? [event.step] : []))
      expect(named.map((step) => stepOf(plan, step).id)).toEqual(named)
    }
  })
})
