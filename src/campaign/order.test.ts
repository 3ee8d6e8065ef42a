import { describe, expect, it } from 'vitest'
import { specimenPlan } from '../../test/fixture/specimen.ts'
import type { Strategy } from '../kit/index.ts'
import type { Plan } from '../plan/plan.ts'
import { batchesOf, sharedReloads, withFollowers } from './order.ts'

function planOf(secret: string, consumers: readonly string[], strategy: Strategy = 'alternate'): Plan {
  const plan = specimenPlan({ strategy, waves: consumers.map(() => 1) })
  return { ...plan, secret, waves: plan.waves.map((wave, index) => wave.map((consumer) => ({ ...consumer, key: `consumer:${consumers[index]}`, title: consumers[index] ?? '' }))) }
}

const names = (batches: readonly (readonly Plan[])[]): string[][] => batches.map((batch) => batch.map(({ secret }) => secret))

describe('the order of several secrets', () => {
  const plans = [planOf('legacy', ['gateway'], 'in-place'), planOf('dsn', ['gateway']), planOf('database', ['gateway']), planOf('cache', ['gateway', 'worker']), planOf('queue', ['worker']), planOf('alone', [])]
  const secrets = [{ name: 'dsn', on: ['database', 'expiry'] }, { name: 'database' }]

  it('puts what follows another into a later batch, and those that share a restart into one, in place last (G-15, R-06)', () => {
    expect(names(batchesOf(plans, secrets, false))).toEqual([['database', 'cache', 'queue', 'legacy'], ['alone'], ['dsn']])
    expect(names(batchesOf(plans, secrets, true))).toEqual([['legacy'], ['database'], ['cache'], ['queue'], ['alone'], ['dsn']])
  })

  it('says what is reloaded once, and for whom', () => {
    expect(sharedReloads(batchesOf(plans, secrets, false)[0] ?? [])).toEqual([{ consumer: 'gateway', secrets: ['database', 'cache', 'legacy'] }, { consumer: 'worker', secrets: ['cache', 'queue'] }])
  })

  it('holds two consumers apart that are reloaded in different ways', () => {
    const [first = planOf('a', ['x']), second = planOf('b', ['x'])] = [planOf('a', ['x']), planOf('b', ['x'])]
    const otherwise = { ...second, waves: second.waves.map((wave) => wave.map((consumer) => ({ ...consumer, config: { reload: 'SIGHUP' } }))) }
    expect(names(batchesOf([first, otherwise], [], false))).toEqual([['a'], ['b']])
  })

  it('takes along what follows, also by others, and nothing twice (G-15)', () => {
    const all = [{ name: 'web', on: ['dsn'] }, { name: 'dsn', on: ['database'] }, { name: 'database' }, { name: 'cache' }]
    expect(withFollowers(['database'], all)).toEqual(['web', 'dsn', 'database'])
    expect(withFollowers(['cache', 'dsn', 'web'], all)).toEqual(['web', 'dsn', 'cache'])
  })

  it('refuses a circle', () => {
    expect(() => batchesOf(plans, [{ name: 'dsn', on: ['database'] }, { name: 'database', on: ['dsn'] }], false)).toThrow(/circle/)
  })
})
