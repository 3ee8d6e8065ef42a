import { describe, expect, it } from 'vitest'
import { begin, moves, START, type World } from '../../test/fixture/simulator.ts'
import { postgresTraits, specimenPlan, type Wishes } from '../../test/fixture/specimen.ts'
import type { Event, TimedEvent } from '../journal/event.ts'
import { brokenInvariants } from '../journal/invariants.ts'
import type { Emergency, Plan } from '../plan/plan.ts'
import { isEffect } from '../plan/step.ts'
import { emergencyPlan } from './begin.ts'
import { estimatesOf } from './estimate.ts'
import { emergencySteps } from './order.ts'

const ids = (wishes: Wishes, order: Emergency['order'] = 'forget-first', late = 0): string[] => emergencySteps(specimenPlan(wishes), order, late).map(({ id }) => id)

describe('the order of an emergency', () => {
  it('forgets first, and waits for nothing (S2-43, S2-44, S2-45)', () => {
    expect(ids({})).toEqual(['forget', 'prove:ended', 'preflight', 'mint', 'probe:new', 'publish:0', 'reload:0.0', 'attest:0.0', 'prove', 'sweep', 'receipt'])
  })

  it('mints first when that is asked for, and then forgets without grace, quiet, undo window and gate (C-29)', () => {
    expect(ids({ checks: 1 }, 'mint-first')).toEqual(['preflight', 'mint', 'probe:new', 'publish:0', 'reload:0.0', 'attest:0.0', 'check:0', 'forget', 'prove', 'check:0:off', 'sweep', 'receipt'])
  })

  it('of one slot makes the new one at once, which ends the old one (S2-50)', () => {
    expect(ids({ strategy: 'in-place' })).toEqual(['preflight', 'mint', 'prove:ended', 'publish:0', 'reload:0.0', 'attest:0.0', 'prove', 'sweep', 'receipt'])
    expect(ids({ strategy: 'hard-cut', traits: postgresTraits('in-place') }).slice(0, 3)).toEqual(['preflight', 'mint', 'prove:ended'])
  })

  it('triggers a provider at once, and ends what that may have to log in with when the new one is there', () => {
    expect(ids({ strategy: 'provider-managed', traits: { value: 'made', mint: 'triggers', locate: 'tag' } }).slice(0, 6)).toEqual(['preflight', 'mint', 'collect', 'probe:new', 'forget', 'prove:ended'])
  })

  it('presents a key that we make with no key beside it, and nothing before that', () => {
    const plan = specimenPlan({ strategy: 'dual-key', traits: { acceptor: 'consumers', ends: [], mint: 'replaces' } })
    const steps = emergencySteps(plan, 'forget-first')
    expect(steps.map(({ id }) => id)).toEqual(['preflight', 'mint', 'forget:publish:0', 'forget:reload:0.0', 'forget:attest:0.0', 'sweep', 'receipt'])
    expect(steps.filter((step) => step.do === 'publish' || step.do === 'attest').every((step) => step.which === 'new' && step.beside === undefined)).toBe(true)
    const rounds = emergencySteps(plan, 'mint-first').filter((step) => step.do === 'publish').map((step) => [step.which, step.beside])
    expect(rounds).toEqual([['old', 'new'], ['new', 'old'], ['new', undefined]])
  })

  it('waits out what a rotation that was cut short may still do, forgets once more, and only then makes something', () => {
    expect(ids({}, 'forget-first', 5_000).slice(0, 7)).toEqual(['forget', 'prove:ended', 'late', 'forget:late', 'prove:late', 'preflight', 'mint'])
    expect(ids({}, 'mint-first', 5_000).slice(0, 3)).toEqual(['preflight', 'late', 'mint'])
  })

  it('shows what either order costs: an outage or an exposure', () => {
    const { 'forget-first': forget, 'mint-first': mint } = estimatesOf(specimenPlan({ instances: 2 }))
    expect([mint.outage, forget.outage > 0, forget.exposure < mint.exposure]).toEqual([0, true, true])
    const same = estimatesOf(specimenPlan({ strategy: 'in-place' }))
    expect(same['forget-first']).toEqual(same['mint-first'])
  })
})

const INHERITED = { id: 'app_old', fingerprint: `kf:${'1'.repeat(32)}` }

function planOf(order: Emergency['order'] = 'forget-first'): Plan {
  const plan = specimenPlan()
  return emergencyPlan(plan, { order, incident: 'incident-1', decidedAt: START, supersedes: 'before', inherits: [INHERITED], tags: ['before'], estimates: estimatesOf(plan) }, { late: 0 })
}

const done = (step: string, evidence = {}): Event => ({ type: 'step-done', step, attempt: 1, evidence })
const intent = (step: string): Event => ({ type: 'intent-recorded', step, attempt: 1, deadline: START * 2, tag: 'kt' })

/** A journal with these entries, ten ms apart. */
function journal(plan: Plan, entries: readonly Event[]): TimedEvent[] {
  const [opened] = begin(plan).events
  if (opened === undefined) throw new Error('a world begins with an entry')
  const claimed: Event = { type: 'rotation-claimed', by: 'one', fence: 1, predecessor: 'none' }
  return [opened, ...[claimed, ...entries].map((entry, index): TimedEvent => ({ ...entry, at: START + 10 * (index + 1) }))]
}

/** All steps up to this one, as they go well. */
function upTo(plan: Plan, step: string): Event[] {
  return plan.steps.slice(0, plan.steps.findIndex(({ id }) => id === step)).flatMap((each): Event[] => (isEffect(each) ? [intent(each.id), done(each.id)] : [done(each.id)]))
}

describe('the invariants find in the journal of an emergency', () => {
  const plan = planOf()
  const closed: Event = { type: 'rotation-closed', result: 'done' }
  it.each<readonly [string, readonly TimedEvent[], RegExp]>([
    ['that the new credential was ended', journal(planOf('mint-first'), [...upTo(planOf('mint-first'), 'forget'), intent('forget'), done('forget', { 'ended app_b': 'gone' })]), /^I4: step-done ends the new credential/],
    ['that one was ended that the plan does not know', journal(plan, [intent('forget'), done('forget', { 'ended app': 'gone', 'ended somebody': 'gone' })]), /^I5: step-done ends somebody/],
    ['an end without proof that an inherited one is dead', journal(plan, [...upTo(plan, 'prove'), done('prove', { new: 'accepted', old: 'rejected', 'also:0': 'accepted' }), done('sweep'), done('receipt'), closed]), /^I8: closed as done without proof that app_old is dead/],
    ['a way back to what is compromised', journal(plan, [intent('forget'), done('forget'), { type: 'direction-turned', code: 'ROLLED_BACK', about: 'abort' }]), /^I9: back to what is compromised/],
  ])('%s', (_, events, says) => {
    expect(brokenInvariants(events)[0]).toMatch(says)
    expect(brokenInvariants(events.slice(0, -1)).filter((each) => says.test(each))).toEqual([])
  })

  it('nothing when all goes well, nor when a rotation is superseded in the middle of an effect', () => {
    expect(brokenInvariants(journal(plan, [...upTo(plan, 'prove'), done('prove', { new: 'accepted', old: 'rejected', 'also:0': 'rejected' }), done('sweep'), done('receipt'), closed]))).toEqual([])
    let world: World = begin(specimenPlan())
    for (let move = moves(world)[0]; move !== undefined && !world.events.some((event) => event.type === 'intent-recorded' && event.step === 'publish:0'); move = moves(world)[0]) world = move.after
    const upToIntent = world.events.slice(0, world.events.findIndex((event) => event.type === 'intent-recorded' && event.step === 'publish:0') + 1)
    const at = upToIntent.at(-1)?.at ?? START
    expect(brokenInvariants([...upToIntent, { type: 'rotation-closed', result: 'superseded', code: 'SUPERSEDED', about: 'another', at: at + 1 }])).toEqual([])
  })
})
