import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { begin, crash, moves, turnRequest, type World, write } from '../../test/fixture/simulator.ts'
import { specimenPlan } from '../../test/fixture/specimen.ts'
import { decide } from '../engine/decide.ts'
import { brokenInvariants } from '../journal/invariants.ts'
import { foldProgress, type Progress } from '../journal/progress.ts'
import type { Strategy } from '../kit/index.ts'
import type { Plan } from '../plan/plan.ts'
import { barrier } from './barrier.ts'
import { batchesOf } from './order.ts'

/** The plan of a secret whose waves are of one consumer each, by their names. */
function planOf(secret: string, consumers: readonly string[], strategy: Strategy = 'alternate'): Plan {
  const plan = specimenPlan({ strategy, waves: consumers.map(() => 1), checks: 1 })
  return { ...plan, secret, principal: `principal:${secret}`, waves: plan.waves.map((wave, index) => wave.map((consumer) => ({ ...consumer, key: `consumer:${consumers[index]}`, title: consumers[index] ?? '' }))) }
}

/** A batch at work: the journals of its members, and one of all that changed something outside, in its real order. */
interface Batch {
  readonly worlds: Map<string, World>
  readonly acts: string[]
}

function open(plans: readonly Plan[], keepGoing = false): Batch {
  const batch = plans.map(({ secret }) => secret)
  const worlds = plans.map((plan): [string, World] => {
    const { events, now } = begin(plan)
    return [plan.secret, { now, events: events.map((event) => (event.type === 'rotation-opened' ? { ...event, rotation: plan.secret, member: { campaign: 'one', batch, ...(keepGoing ? { keepGoing } : {}) } } : event)) }]
  })
  return { worlds: new Map(worlds), acts: [] }
}

const progressOf = ({ worlds }: Batch, id: string): Progress => foldProgress(worlds.get(id)?.events ?? [])

/** One turn of a worker at one member; `failsAt` is a step whose effect is refused. Answers whether it wrote anything. */
function turn(batch: Batch, id: string, failsAt?: string): boolean {
  const world = batch.worlds.get(id)
  if (world === undefined) return false
  const next = decide(world.events, world.now)
  const said = next.do === 'attempt' ? barrier({ id, progress: progressOf(batch, id) }, [...batch.worlds.keys()].map((each) => ({ id: each, progress: progressOf(batch, each) })), next.step) : undefined
  if (typeof said === 'string' || next.do === 'stay' || next.do === 'finished') return false
  const ways = moves(world, next)
  const way = next.do === 'attempt' && next.step.id === failsAt ? ways.find(({ after }) => after.events.at(-1)?.type === 'step-refused') : ways[0]
  const after = said === undefined ? way?.after : write(world, said)
  if (after === undefined || (after.events.length === world.events.length && after.now === world.now)) return false
  for (const event of after.events.slice(world.events.length)) {
    if (event.type === 'intent-recorded' || event.type === 'reload-shared') batch.acts.push(`${id} ${event.type === 'reload-shared' ? `takes over from ${event.by}` : ''}${event.step}`)
  }
  batch.worlds.set(id, after)
  return true
}

/** Works as `order` says, then one after another until nothing moves. */
function work(batch: Batch, order: readonly string[] = [], fails: Readonly<Record<string, string>> = {}): void {
  for (const id of order) turn(batch, id, fails[id])
  for (let left = 2_000; [...batch.worlds.keys()].map((id) => turn(batch, id, fails[id])).includes(true); left -= 1) if (left === 0) throw new Error('no end')
}

const results = ({ worlds }: Batch): (string | undefined)[] => [...worlds.values()].map(({ events }) => foldProgress(events).closed?.result)
const reloads = ({ worlds, acts }: Batch, consumer: string): number => [...worlds.keys()].reduce((sum, id) => {
  const { plan } = foldProgress(worlds.get(id)?.events ?? [])
  return sum + plan.steps.filter((step) => step.do === 'reload' && plan.waves[step.wave]?.[step.consumer]?.title === consumer && acts.includes(`${id} ${step.id}`)).length
}, 0)

const PLANS = [planOf('database', ['gateway', 'worker']), planOf('cache', ['worker', 'gateway']), planOf('queue', ['worker'])]
const [batched = []] = batchesOf([...PLANS, planOf('legacy', ['gateway', 'other'], 'in-place')], [], false)

describe('the barrier of a batch', () => {
  it('has a shared consumer reloaded once, after all have published, whichever worker does what in which order (S1-24)', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('database', 'cache', 'queue'), { maxLength: 60 }), (order) => {
      const batch = open(PLANS)
      work(batch, order)
      expect(results(batch)).toEqual(['done', 'done', 'done'])
      expect([reloads(batch, 'gateway'), reloads(batch, 'worker')]).toEqual([1, 1])
      const first = batch.acts.findIndex((act) => / reload:/.test(act))
      expect(batch.acts.slice(0, first).filter((act) => / publish:/.test(act))).toHaveLength(3)
      for (const { events } of batch.worlds.values()) expect(brokenInvariants(events)).toEqual([])
    }), { numRuns: 60 })
  })

  it('lets one that is rotated in place mint when all others have published, restart at once, and serve them (I4)', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('database', 'cache', 'queue', 'legacy'), { maxLength: 60 }), (order) => {
      const batch = open(batched)
      work(batch, order)
      expect(results(batch)).toEqual(['done', 'done', 'done', 'done'])
      expect([reloads(batch, 'gateway'), reloads(batch, 'other'), reloads(batch, 'worker')]).toEqual([1, 1, 1])
      const own = batch.acts.filter((act) => act.startsWith('legacy '))
      expect(own.slice(0, 4)).toEqual(['legacy mint', 'legacy publish:0', 'legacy reload:0.0', 'legacy reload:1.0'])
      expect(batch.acts.slice(0, batch.acts.indexOf('legacy mint')).filter((act) => / publish:/.test(act))).toHaveLength(3)
    }), { numRuns: 60 })
  })

  it.each([[false, ['done', 'rolled-back', undefined]], [true, ['done', 'rolled-back', 'done']]] as const)('when one fails and keepGoing is %s: it is rolled back, and the others stop before the restart or go on', (keepGoing, ends) => {
    const batch = open(PLANS, keepGoing)
    work(batch, [], { cache: 'mint' })
    expect(results(batch)).toEqual(keepGoing ? ends : [undefined, 'rolled-back', 'refused'])
    expect(reloads(batch, 'gateway')).toBe(keepGoing ? 1 : 0)
    if (keepGoing) return
    expect(progressOf(batch, 'database').paused).toMatchObject({ code: 'CAMPAIGN_STOPPED', about: 'cache' })
    const database = batch.worlds.get('database')
    if (database !== undefined) batch.worlds.set('database', write(database, { type: 'rotation-resumed', by: 'somebody' }))
    work(batch)
    expect(results(batch)).toEqual(['done', 'rolled-back', 'refused'])
    expect(reloads(batch, 'gateway')).toBe(1)
  })

  it('leads to an end wherever one is aborted, with no journal broken', () => {
    for (const keepGoing of [false, true]) {
      for (let at = 1; at < 60; at += 3) {
        for (const who of ['database', 'legacy']) {
          const batch = open(batched, keepGoing)
          for (let done = 0; done < at; done += 1) for (const id of batch.worlds.keys()) turn(batch, id)
          const world = batch.worlds.get(who)
          const turned = world === undefined ? undefined : turnRequest(crash(world))
          if (turned !== undefined) batch.worlds.set(who, turned)
          work(batch)
          for (const [id, { events }] of batch.worlds) {
            expect(brokenInvariants(events)).toEqual([])
            const { closed, paused } = foldProgress(events)
            expect(closed?.result ?? paused?.code, `${id}, ${who} aborted at ${at}`).toMatch(keepGoing ? /done|rolled-back/ : /done|rolled-back|refused|CAMPAIGN_STOPPED/)
          }
        }
      }
    }
  })
})
