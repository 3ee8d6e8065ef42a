import { describe, expect, it } from 'vitest'
import { specimenManifest, specimenWorld, type Wishes } from '../../test/fixture/specimen.ts'
import { makePlan } from '../plan/make.ts'
import type { Plan } from '../plan/plan.ts'
import { withRests } from './rests.ts'

/** Two waves of two and one, a pause after each consumer of the first, and a check behind that wave. */
function planned(wishes: Wishes = {}): Plan {
  const all = { waves: [2, 1], checks: 2, ...wishes }
  const { manifest, secret } = specimenManifest(all)
  const waves = secret.waves.map((wave, index) => wave.map((consumer) => (index === 0 ? { ...consumer, pause: 5_000 } : consumer)))
  const checks = secret.checks.map((check, index) => (index === 1 ? { ...check, after: 0 } : check))
  return withRests(makePlan(manifest, { ...secret, waves, checks }, specimenWorld(all)))
}

const presents = (steps: Plan['steps']): string[] => steps.filter(({ phase, id }) => phase === 'present' && !id.includes('publish') && id !== 'grace').map(({ id }) => id)

describe('an ordered rolling restart', () => {
  it('pauses after each consumer, and has the first group well before the second begins (S1-38, S1-46, S1-47)', () => {
    const plan = planned()
    expect(presents(plan.steps)).toEqual(['reload:0.0', 'attest:0.0', 'pause:0.0', 'reload:0.1', 'attest:0.1', 'check:1', 'pause:0.1', 'reload:1.0', 'attest:1.0', 'check:0'])
    expect(presents(plan.back)).toEqual(['back:reload:0.0', 'back:attest:0.0', 'back:pause:0.0', 'back:reload:0.1', 'back:attest:0.1', 'back:check:1', 'back:pause:0.1', 'back:reload:1.0', 'back:attest:1.0', 'back:check:0'])
    const { waves, ...rest } = specimenManifest({ waves: [2, 1], checks: 2 }).secret
    expect(plan.summary.takes - makePlan(specimenManifest({ waves: [2, 1], checks: 2 }).manifest, { waves, ...rest }, specimenWorld({ waves: [2, 1], checks: 2 })).summary.takes).toBe(10_000)
  })

  it('does neither while a gap is open: the checks come after all of them', () => {
    expect(presents(planned({ strategy: 'in-place' }).steps)).toEqual(['reload:0.0', 'attest:0.0', 'reload:0.1', 'attest:0.1', 'reload:1.0', 'attest:1.0', 'check:0', 'check:1'])
  })
})
