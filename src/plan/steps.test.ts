import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { postgresTraits } from '../../test/fixture/specimen.ts'
import type { Phase, Step } from './step.ts'
import { backSteps, forwardSteps, type Layout } from './steps.ts'

const PHASES: readonly Phase[] = ['preflight', 'accept', 'present', 'forget', 'close']

function layoutOf(part: Partial<Layout> = {}): Layout {
  const strategy = part.strategy ?? 'alternate'
  return {
    strategy, traits: postgresTraits(strategy), stores: 2, waves: [1, 2], checks: 1, postflight: 1,
    timing: { grace: 1_000, quiet: 500, quietEvery: 50, undo: 2_000, deadline: 10_000, ready: 60_000 },
    within: { secret: [100], postflight: [200] }, ...part,
  }
}

/** The traits of an issuer of keys that the consumers check. */
const keyTraits = { ...postgresTraits('overlap'), acceptor: 'consumers', ends: [], settle: 0, fields: { value: 'secret' } } as const

const anyLayout = fc
  .record({
    strategy: fc.constantFrom('alternate' as const, 'in-place' as const, 'overlap' as const, 'hard-cut' as const),
    acceptor: fc.constantFrom('issuer' as const, 'consumers' as const),
    ends: fc.constantFrom([], ['gone'] as const, ['off', 'gone'] as const),
    stores: fc.integer({ min: 1, max: 4 }), waves: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }),
    secret: fc.array(fc.nat(1_000), { maxLength: 3 }), postflight: fc.array(fc.nat(1_000), { maxLength: 3 }),
    grace: fc.nat(2), quiet: fc.nat(2), undo: fc.nat(2),
  })
  .map(({ strategy, acceptor, ends, stores, waves, secret, postflight, ...times }) => layoutOf({
    strategy, stores, waves, checks: secret.length, postflight: postflight.length, within: { secret, postflight },
    traits: { ...postgresTraits(strategy), acceptor, ...(strategy === 'alternate' || strategy === 'overlap' ? { ends } : {}) },
    timing: { ...times, quietEvery: 50, deadline: 10_000, ready: 60_000 },
  }))

/** Every property of every layout at once: the counterexample names the layout. */
function always(holds: (layout: Layout) => boolean): void {
  expect(fc.check(fc.property(anyLayout, holds), { numRuns: 500 }).counterexample).toBeNull()
}

const ids = (steps: readonly Step[]): string[] => steps.map((step) => step.id)
const ways = (layout: Layout): readonly (readonly Step[])[] => [forwardSteps(layout), backSteps(layout)]
const places = (layout: Layout): string[] => layout.waves.flatMap(
  (count, wave) => Array.from({ length: count }, (_, index) => `${wave}.${index}`)
)
const sorted = (list: readonly string[]): string => [...list].sort().join(' ')

describe('the steps of the way forward', () => {
  it('accept, present and forget, each once and in this order, with an overlap', () => {
    expect(ids(forwardSteps(layoutOf()))).toEqual([
      'preflight', 'mint', 'probe:new', 'publish:0', 'publish:1', 'reload:0.0', 'attest:0.0',
      'reload:1.0', 'attest:1.0', 'reload:1.1', 'attest:1.1',
      'check:0', 'postflight:0', 'grace', 'watch', 'gate:off', 'off', 'prove:off', 'check:0:off', 'postflight:0:off',
      'undo', 'gate:gone', 'gone', 'prove:gone',
      'sweep', 'receipt',
    ])
  })

  it('turn on again what is taken back to, and make nothing; in one slot it is applied again', () => {
    const back = (traits: Partial<Layout['traits']>): string[] => ids(forwardSteps(layoutOf({ strategy: 'overlap', traits: { ...postgresTraits('alternate'), ...traits }, takesBack: 'database-1' })))
    expect(back({ ends: ['off'] }).slice(0, 4)).toEqual(['preflight', 'restore', 'probe:new', 'publish:0'])
    expect(back({ ends: [] }).slice(0, 3)).toEqual(['preflight', 'probe:new', 'publish:0'])
    expect(ids(forwardSteps(layoutOf({ strategy: 'in-place', takesBack: 'database-1' }))).slice(0, 3)).toEqual(['preflight', 'mint', 'publish:0'])
  })

  it('has nothing between the change and the last consumer when it is in place (C-08, S0-12)', () => {
    const steps = ids(forwardSteps(layoutOf({ strategy: 'in-place' })))
    expect(steps).toEqual([
      'preflight', 'mint', 'publish:0', 'publish:1', 'reload:0.0', 'attest:0.0',
      'reload:1.0', 'attest:1.0', 'reload:1.1', 'attest:1.1',
      'check:0', 'postflight:0', 'prove', 'sweep', 'receipt',
    ])
  })

  it('shows the new key to those who accept it, then presents it, then forgets the old one, each everywhere, with dual-key (G-05, C-09)', () => {
    const tokens = { life: 5_000, cache: 300 }
    const layout = layoutOf({ strategy: 'dual-key', traits: keyTraits, stores: 1, waves: [1], timing: { ...layoutOf().timing, grace: 6_000, tokens } })
    const steps = forwardSteps(layout)
    expect(ids(steps)).toEqual([
      'preflight', 'mint', 'accept:publish:0', 'accept:reload:0.0', 'accept:attest:0.0', 'check:0:accept', 'postflight:0:accept', 'cache',
      'publish:0', 'reload:0.0', 'attest:0.0', 'check:0', 'postflight:0', 'grace', 'gate:forget',
      'forget:publish:0', 'forget:reload:0.0', 'forget:attest:0.0', 'check:0:forget', 'postflight:0:forget', 'sweep', 'receipt',
    ])
    const shown = steps.flatMap((step) => (step.do === 'publish' ? [[step.phase, step.which, step.beside]] : []))
    expect(shown).toEqual([['accept', 'old', 'new'], ['present', 'new', 'old'], ['forget', 'new', undefined]])
    expect(steps.find(({ id }) => id === 'grace')).toMatchObject({ for: 6_000 })
    const short = forwardSteps({ ...layout, timing: { ...layout.timing, grace: 1_000 } })
    expect(short.find(({ id }) => id === 'grace')).toMatchObject({ for: 5_000 })
  })

  it('keeps the new key accepted on the way back until what it signed has run out (G-05)', () => {
    const timing = { ...layoutOf().timing, grace: 6_000, tokens: { life: 5_000, cache: 300 } }
    const steps = backSteps(layoutOf({ strategy: 'dual-key', traits: keyTraits, stores: 1, waves: [1], checks: 0, postflight: 0, within: { secret: [], postflight: [] }, timing }))
    expect(steps.map(({ id, needs }) => `${id}${needs === undefined ? '' : ` if ${needs}`}`)).toEqual([
      'back:publish:0 if presented', 'back:reload:0.0 if presented', 'back:attest:0.0 if presented', 'back:grace if presented', 'back:gate:forget if presented',
      'back:forget:publish:0 if shown', 'back:forget:reload:0.0 if shown', 'back:forget:attest:0.0 if shown', 'back:sweep', 'back:receipt',
    ])
    expect(steps.find(({ id }) => id === 'back:grace')).toMatchObject({ for: 5_000 })
    const shown = steps.flatMap((step) => (step.do === 'publish' ? [[step.which, step.beside]] : []))
    expect(shown).toEqual([['old', 'new'], ['old', undefined]])
  })

  it('promotes the new value to its base name, everywhere, before the old one is ended (G-06, C-11, S1-31)', () => {
    const steps = forwardSteps(layoutOf({ names: true, stores: 1, waves: [1], checks: 0, postflight: 0, within: { secret: [], postflight: [] } }))
    expect(ids(steps).slice(2, 11)).toEqual(['probe:new', 'publish:0', 'reload:0.0', 'attest:0.0', 'grace', 'settle:publish:0', 'settle:reload:0.0', 'settle:attest:0.0', 'watch'])
    const shown = steps.flatMap((step) => (step.do === 'publish' ? [[step.which, step.beside]] : []))
    expect(shown).toEqual([['new', 'old'], ['new', undefined]])
  })

  it('leaves out a grace, a watch and an undo window of no length', () => {
    const steps = ids(forwardSteps(layoutOf({ timing: { grace: 0, quiet: 0, quietEvery: 0, undo: 0, deadline: 1, ready: 1 } })))
    expect(steps.filter((id) => ['grace', 'watch', 'undo'].includes(id))).toEqual([])
    expect(steps).toContain('gate:gone')
  })

  it('never reaches an ending but through its own gate, directly before it, and proves it right after', () => {
    always((layout) => {
      const steps = forwardSteps(layout)
      return steps.every((step, at) => {
        if (step.do !== 'set') return true
        const before = steps[at - 1]
        const proven = layout.traits.acceptor === 'consumers' || steps[at + 1]?.do === 'prove'
        const gated = before?.do === 'gate' && before.keeps === 'new' && before.ends === 'old' && before.to === step.to
        return step.which === 'old' && gated && proven
      })
    })
  })

  it('mints, probes where old and new overlap, publishes everywhere, and only then reloads', () => {
    always((layout) => {
      const steps = forwardSteps(layout)
      const at = (match: (step: Step) => boolean): number[] => steps.flatMap((step, index) => (match(step) ? [index] : []))
      const [mint, probe, publish, reload] = (
        ['mint', 'probe', 'publish', 'reload'] as const
      ).map((word) => at((step) => step.do === word))
      const overlap = layout.strategy === 'alternate' || layout.strategy === 'overlap'
      const last = Math.max(...(publish ?? []))
      return (
        mint?.length === 1 && Math.min(...(publish ?? [])) > (mint[0] ?? 0) && (reload ?? []).every((each) => each > last) &&
        (!overlap || layout.traits.acceptor === 'consumers' || (probe?.[0] ?? Infinity) < Math.min(...(publish ?? [])))
      )
    })
  })
})

describe('the steps of the way back', () => {
  it('are the same algorithm with old and new swapped', () => {
    const back = backSteps(layoutOf())
    expect(ids(back)).toEqual([
      'back:restore', 'back:probe:old', 'back:publish:0', 'back:publish:1',
      'back:reload:0.0', 'back:attest:0.0', 'back:reload:1.0', 'back:attest:1.0',
      'back:reload:1.1', 'back:attest:1.1', 'back:check:0', 'back:postflight:0',
      'back:watch:new', 'back:gate:new', 'back:off:new', 'back:gone:new', 'back:prove:old',
      'back:sweep', 'back:receipt',
    ])
    expect(
      back.filter((step) => step.do === 'set').map((step) => `${step.which} ${step.to}`)
    ).toEqual(['old on', 'new off', 'new gone'])
    expect(
      back.flatMap(
        (step) => (step.do === 'publish' || step.do === 'reload' || step.do === 'attest' ? [step.which] : [])
      ).every((which) => which === 'old')
    ).toBe(true)
  })

  it('touch nothing when nothing was begun: all but the closing needs something of the way forward', () => {
    always((layout) => sorted(ids(backSteps(layout).filter((step) => step.needs === undefined))) === 'back:receipt back:sweep')
  })

  it('put the old value back in place before its consumers are reloaded', () => {
    const back = ids(backSteps(layoutOf({ strategy: 'in-place' })))
    expect(back.slice(0, 4)).toEqual(['back:mint:old', 'back:publish:0', 'back:publish:1', 'back:reload:0.0'])
    expect(back).toContain('back:prove:old')
  })

  it('turn the old one on before they end the new one, and end only the new one', () => {
    always((layout) => {
      const sets = backSteps(layout).flatMap((step) => (step.do === 'set' ? [step] : []))
      return sets.every((step, at) => (step.which === 'old' ? step.to === 'on' && at === 0 : step.to !== 'on' && at > 0))
    })
  })
})

describe('the steps of every layout', () => {
  it('have ids of their own, over both ways together', () => {
    always((layout) => {
      const all = ways(layout).flat().map((step) => step.id)
      return new Set(all).size === all.length
    })
  })

  it('go through the phases in their order', () => {
    always(
      (layout) => ways(layout).every(
        (steps) => steps.every(
          (step, at) => at === 0 || PHASES.indexOf(step.phase) >= PHASES.indexOf(steps[at - 1]?.phase ?? 'preflight')
        )
      )
    )
  })

  it('write every store, and reload and attest every consumer of every wave, on both ways (S0-10)', () => {
    always((layout) => ways(layout).every((steps) => {
      const stores = steps.flatMap((step) => (step.do === 'publish' ? [String(step.store)] : []))
      const reloaded = steps.flatMap((step) => (step.do === 'reload' ? [`${step.wave}.${step.consumer}`] : []))
      const attested = steps.flatMap((step) => (step.do === 'attest' ? [`${step.wave}.${step.consumer}`] : []))
      return sorted(stores) === sorted(
        Array.from({ length: layout.stores }, (_, at) => String(at))
      ) && sorted(reloaded) === sorted(places(layout)) && sorted(attested) === sorted(places(layout))
    }))
  })

  it('attest each consumer right after its reload, so that a wave stands before the next begins', () => {
    always((layout) => layout.strategy === 'hard-cut' || ways(layout).every((steps) => steps.every((step, at) => {
      const next = steps[at + 1]
      return step.do !== 'reload' || (next?.do === 'attest' && next.wave === step.wave && next.consumer === step.consumer)
    })))
  })

  it('in a hard cut reload everybody at once before anybody is asked: two halves would throw each other out', () => {
    const { steps } = { steps: forwardSteps(layoutOf({ strategy: 'hard-cut' })) }
    const kinds = steps.flatMap((step) => (step.do === 'reload' || step.do === 'attest' ? [step.do] : []))
    expect(kinds).toEqual(['reload', 'reload', 'reload', 'attest', 'attest', 'attest'])
    expect(steps.every((step) => step.do !== 'reload' || step.pace === 'at-once')).toBe(true)
    expect(forwardSteps(layoutOf()).every((step) => step.do !== 'reload' || step.pace === undefined)).toBe(true)
  })

  it('of a rotation that the provider carries out: start it, collect what it brings, then present it; there is no way back from one slot', () => {
    const one = layoutOf({ strategy: 'provider-managed', traits: { ...postgresTraits('in-place'), value: 'made', mint: 'triggers' } })
    expect(ids(forwardSteps(one)).slice(0, 5)).toEqual(['preflight', 'mint', 'collect', 'probe:new', 'publish:0'])
    expect(forwardSteps(one).at(-3)).toMatchObject({ do: 'prove', accepted: 'new', rejected: 'old' })
    expect(ids(backSteps(one))).toEqual(['back:sweep', 'back:receipt'])
    const two = { ...one, traits: { ...one.traits, slots: 2 } }
    expect(forwardSteps(two).some((step) => step.do === 'prove')).toBe(false)
    expect(ids(backSteps(two))).toContain('back:publish:0')
  })

  it('end with the sweep and the receipt', () => {
    always((layout) => ways(layout).every((steps) => steps.slice(-2).map((step) => step.do).join() === 'sweep,receipt'))
  })

  it('prove as a pair wherever the issuer is asked, on both ways', () => {
    always((layout) => {
      if (layout.traits.acceptor === 'consumers') return ways(layout).flat().every((step) => step.do !== 'prove')
      const ends = layout.strategy === 'in-place' || layout.strategy === 'hard-cut' || layout.traits.ends.length > 0
      const [forward, back] = ways(layout).map(
        (steps) => steps.flatMap((step) => (step.do === 'prove' ? [`${step.accepted} ${step.rejected}`] : []))
      )
      return !ends || (forward?.at(-1) === 'new old' && back?.at(-1) === 'old new')
    })
  })
})
