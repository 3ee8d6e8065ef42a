import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { specimenManifest, specimenPlan, specimenWorld, type Wishes } from '../../test/fixture/specimen.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import { Secret } from '../kit/index.ts'
import { Redactor } from '../redact/redact.ts'
import { makePlan } from './make.ts'

/** Freezes all that can be reached: a function that is not pure throws. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) frozen(inner)
  }
  return value
}

const anyWishes: fc.Arbitrary<Wishes> = fc.record({
  strategy: fc.constantFrom('alternate' as const, 'in-place' as const),
  stores: fc.integer({ min: 1, max: 3 }), waves: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
  checks: fc.nat(2), postflight: fc.nat(2), instances: fc.nat(3), readable: fc.boolean(),
  proof: fc.constantFrom('challenge' as const, 'issuer' as const, 'process' as const, 'inferred' as const, 'none' as const),
})

describe('makePlan', () => {
  it('is pure: frozen input, the same output (X-06)', () => {
    const property = fc.property(anyWishes, (wishes) => {
      const { manifest, secret } = frozen(specimenManifest(wishes))
      const world = frozen(specimenWorld(wishes))
      return JSON.stringify(makePlan(manifest, secret, world)) === JSON.stringify(makePlan(manifest, secret, world))
    })
    expect(fc.check(property).counterexample).toBeNull()
  })

  it('is data: what is read back from a journal is the same plan', () => {
    const property = fc.property(anyWishes, (wishes) => {
      const plan = specimenPlan(wishes)
      expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
    })
    fc.assert(property)
  })

  it('holds no value, in any encoding (I11)', () => {
    const value = generate(ALNUM, 32)
    const redactor = new Redactor()
    redactor.conceal(new Secret(value))
    const plan = specimenPlan({ value, stores: 2, checks: 1 })
    expect(redactor.find(JSON.stringify(plan))).toBe(0)
    const reach = (part: unknown): boolean => part instanceof Secret || (
      typeof part === 'object' && part !== null && Object.values(part).some(reach)
    )
    expect(reach(plan)).toBe(false)
    expect(plan.current).toEqual({ id: 'app', fingerprint: `kf:${'0'.repeat(32)}` })
  })

  it('shows every object that is touched, with its instances and the proof it gives (X-06, S0-10)', () => {
    const plan = specimenPlan({ stores: 2, waves: [1, 2], instances: 3 })
    expect(plan.stores.map((store) => [store.key, store.title, Object.keys(store.bind)])).toEqual([
      ['store:dotenv/0', 'dotenv /srv/app/0.env', ['DSN_0']], ['store:dotenv/1', 'dotenv /srv/app/1.env', ['DSN_1']],
    ])
    expect(
      plan.waves.map(
        (wave) => wave.map(
          (consumer) => `${consumer.key} ${consumer.title} ${consumer.proof} ${consumer.reload} ${consumer.instances.length}`
        )
      )
    ).toEqual([
      ['consumer:process/0.0 service 0.0 process graceful 3'],
      ['consumer:process/1.0 service 1.0 process graceful 3', 'consumer:process/1.1 service 1.1 process graceful 3'],
    ])
    expect(plan.preconditions.consumers['consumer:process/1.1']).toEqual(['service-1.1-0', 'service-1.1-1', 'service-1.1-2'])
    expect(Object.keys(plan.preconditions.stores)).toEqual(['store:dotenv/0', 'store:dotenv/1'])
    expect(plan.preconditions.current).toBe(`app kf:${'0'.repeat(32)}`)
  })

  it('calls the gap zero with an overlap and only there (S0-12, S2-17, C-08)', () => {
    const property = fc.property(anyWishes, (wishes) => specimenPlan(wishes).summary.gap > 0 === (wishes.strategy === 'in-place'))
    expect(fc.check(property).counterexample).toBeNull()
  })

  it('estimates a longer gap for more instances, one after the other', () => {
    const gap = (instances: number): number => specimenPlan({ strategy: 'in-place', instances }).summary.gap
    expect(gap(4) - gap(2)).toBe(2 * 500)
  })

  it('adds the waits of the overlap to the time, and none in place', () => {
    const alternate = specimenPlan().summary
    expect(alternate.until - alternate.takes).toBe(3_600_000 + 60_000 + 1_800_000)
    const inPlace = specimenPlan({ strategy: 'in-place' }).summary
    expect(inPlace.until).toBe(inPlace.takes)
  })

  it('names the point of no return: the ending for good, and none where the old value can always be put back', () => {
    const plan = specimenPlan()
    expect(plan.summary.pointOfNoReturn).toBe('gone')
    expect(plan.steps.find((step) => step.id === 'gone')).toMatchObject({ do: 'set', which: 'old', to: 'gone' })
    expect(specimenPlan({ strategy: 'in-place' }).summary.pointOfNoReturn).toBeUndefined()
    expect(specimenPlan({ traits: { ends: ['off'] } }).summary.pointOfNoReturn).toBeUndefined()
  })

  it('compares the slots that are needed with those that are there', () => {
    expect(specimenPlan().summary.slots).toEqual({ needed: 2, has: 2 })
    expect(specimenPlan({ strategy: 'in-place' }).summary.slots).toEqual({ needed: 1, has: 1 })
    expect(specimenPlan({ traits: { slots: 1 } }).summary.slots).toEqual({ needed: 2, has: 1 })
  })

  it('tells of every consumer that cannot prove what it holds, and of no other', () => {
    for (const proof of ['inferred', 'none'] as const) {
      expect(specimenPlan({ waves: [1, 1], proof }).summary.notices).toEqual([
        'service 0.0 cannot prove what it holds: the gate needs quiet usage of the old credential',
        'service 1.0 cannot prove what it holds: the gate needs quiet usage of the old credential',
      ])
    }
    for (const proof of ['challenge', 'issuer', 'process'] as const) expect(specimenPlan({ proof }).summary.notices).toEqual([])
  })

  it('says what a rollback does not bring back, a value that cannot be read first of all', () => {
    expect(specimenPlan().summary.notRestored).toHaveLength(1)
    expect(specimenPlan({ readable: false }).summary.notRestored.join()).toMatch(/no rollback and no proof of death/)
    expect(specimenPlan({ strategy: 'in-place' }).summary.notRestored.join()).toMatch(/logins that fail/)
  })

  it('says whether late effects are fenced only when it was looked at, and passes notices of all that was looked at on', () => {
    const { manifest, secret } = specimenManifest()
    const world = specimenWorld()
    const { preflight: _, ...unseen } = world.issuer
    expect(makePlan(manifest, secret, world).summary.fenced).toBe(true)
    expect(makePlan(manifest, secret, { ...world, issuer: unseen }).summary.fenced).toBeUndefined()
    const noticed = makePlan(manifest, secret, {
      ...world,
      issuer: { ...unseen, preflight: { evidence: {}, fenced: false, notices: ['one'] } },
      stores: world.stores.map((store) => ({ ...store, notices: ['two'] })),
      waves: world.waves.map((wave) => wave.map((consumer) => ({ ...consumer, notices: ['three'] }))),
    })
    expect(noticed.summary.notices).toEqual(['one', 'two', 'three'])
    expect(noticed.summary.fenced).toBe(false)
  })

  it('carries what the journal needs when the manifest is gone: issuer, checks, times, folder', () => {
    const plan = specimenPlan({ checks: 1, postflight: 2 })
    expect(plan).toMatchObject(
      {
        base: '/srv/app',
        system: 'atlas',
        environment: 'staging',
        secret: 'database',
        owner: 'platform',
        principal: 'principal:postgres/db/app',
      }
    )
    expect(plan.issuer.config).toEqual({ admin: '${env:PG_ADMIN_URL}', role: 'app' })
    expect([plan.preflight.length, plan.checks.length, plan.postflight.length]).toEqual([1, 1, 2])
  })
})
