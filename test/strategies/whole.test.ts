import { describe, expect, it } from 'vitest'
import { readLedger } from '../../src/state/ledger.ts'
import { findRotation } from '../../src/state/rotation.ts'
import { referenceTraits, type ReferenceTraits, titleOf } from '../../src/testing/index.ts'
import { PLAIN } from '../../src/views/paint.ts'
import { planLines } from '../../src/views/plan.ts'
import { showLines } from '../../src/views/show.ts'
import { statusOf } from '../../src/views/status.ts'
import { proveEnd, proveState } from './proof.ts'
import { SECRET, setStage, type Stage } from './stage.ts'

const titled = (wanted: (traits: ReferenceTraits) => boolean) => referenceTraits.filter(wanted).map((traits) => [titleOf(traits), traits] as const)
const sideBySide = ({ slots }: ReferenceTraits): boolean => slots > 1
const oneWay = ({ value, slots }: ReferenceTraits): boolean => value === 'made' && slots === 1

/** What `keyturn show` prints of it. */
async function shownOf(stage: Stage): Promise<string> {
  const row = await findRotation(stage.engine.state.db, stage.rotation())
  const progress = await stage.progress()
  const ledger = await readLedger(stage.engine.state.db, `strategies/staging/${SECRET}`)
  const status = statusOf(row, progress, stage.clock.now, () => false)
  return showLines(status, progress, await stage.events(), ledger, true, PLAIN).join('\n')
}

describe('a rotation goes to its end by the one algorithm (issue 4.2, I3, I4, I5, I8)', () => {
  it.for(titled(() => true))('%s', async ([, traits]) => {
    const stage = await setStage(traits)
    const old = stage.stored()
    const planned = planLines(await stage.plan(), PLAIN).join('\n')
    await stage.open()
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    await proveState(stage)
    // Views name the new credential by its real id once it has one, and never before, nor by a placeholder.
    const { id } = stage.server.keys.accepts(stage.stored()) ?? { id: '' }
    // What is in the one slot has the name of the principal.
    const name = traits.mint === 'replaces' ? stage.server.principal : id
    const shown = await shownOf(stage)
    expect(`${planned}${shown}`).not.toContain('pending')
    expect(shown.split('\n').find((line) => line.includes(' publish:0 '))).toContain(`write ${name} to`)
    expect(planned.includes(id)).toBe(name !== id && planned.includes(name))
  })
})

describe('an abort before anything is ended brings the old value back (C-08, I9)', () => {
  it.for(titled(sideBySide))('%s', async ([, traits]) => {
    const stage = await setStage(traits)
    const old = stage.stored()
    await stage.open()
    await stage.dieAt('attest:0.0', 'after-outcome')
    expect(stage.stored()).not.toBe(old)
    await stage.turn('abort')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    await proveEnd(stage, { result: 'rolled-back', old })
    await proveState(stage)
  })

  it('of a chosen value in its one slot: it is applied again', async () => {
    for (const strategy of ['in-place', 'hard-cut'] as const) {
      const stage = await setStage({ value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }, { strategy })
      const old = stage.stored()
      await stage.open({ acceptImpact: true })
      await stage.dieAt('attest:0.0', 'before-intent')
      await stage.turn('abort')
      expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
      await proveEnd(stage, { result: 'rolled-back', old })
    }
  })

  it.for(titled(oneWay))('but not where only the provider can make a value, and the old one may be dead: %s', async ([, traits]) => {
    const stage = await setStage(traits)
    const old = stage.stored()
    await stage.open()
    await stage.dieAt('mint', 'after-outcome')
    await expect(stage.turn('abort')).rejects.toMatchObject({ code: 'NOT_NOW' })
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
  })

  it.for(titled(() => true))('and touches nothing when nothing was made yet: %s', async ([, traits]) => {
    const stage = await setStage(traits)
    const old = stage.stored()
    await stage.open()
    await stage.dieAt('mint', 'before-intent')
    await stage.turn('abort')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    await proveEnd(stage, { result: 'rolled-back', old })
    expect(stage.server.received.filter(({ operation }) => ['mint', 'rotate', 'off', 'on', 'gone'].includes(operation))).toEqual([])
  })
})

describe('an undo turns the old credential on again while it is off (I7)', () => {
  it.for(titled(({ ends }) => ends.length === 2))('%s', async ([, traits]) => {
    const stage = await setStage(traits)
    const old = stage.stored()
    await stage.open()
    await stage.dieAt('off', 'after-outcome')
    expect(stage.server.keys.accepts(old)).toBeUndefined()
    await stage.turn('undo')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    await proveEnd(stage, { result: 'rolled-back', old })
  })
})

describe('an issuer whose slots are full', () => {
  it.for(titled(sideBySide))('is refused, and nothing of anybody is ended to make room (I5): %s', async ([, traits]) => {
    const stage = await setStage(traits)
    const old = stage.stored()
    await stage.open()
    stage.server.keys.fill('atlas')
    const before = stage.server.keys.of('atlas').map(({ id }) => id)
    // Preflight sees it in the list; without one, and of a rotation of its own, the provider says so.
    const sees = traits.mint === 'adds' && (traits.locate !== 'none' || traits.ends.length > 0)
    expect(await stage.on()).toMatchObject({ is: 'closed', result: sees ? 'refused' : 'rolled-back', code: 'SLOTS_FULL' })
    expect(stage.server.keys.of('atlas').map(({ id }) => id)).toEqual(before)
    expect(stage.stored()).toBe(old)
    expect(stage.receipt()).toBeUndefined()
  })

  it('at the mint itself turns back: what filled them up came after preflight', async () => {
    const stage = await setStage({ value: 'made', mint: 'adds', locate: 'tag', slots: 2, ends: ['off', 'gone'] })
    const old = stage.stored()
    await stage.open()
    await stage.dieAt('preflight', 'after-outcome')
    stage.server.keys.fill('atlas')
    const others = stage.server.keys.of('atlas').flatMap(({ id, value }) => (value === old ? [] : [id]))
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back', code: 'SLOTS_FULL' })
    await proveEnd(stage, { result: 'rolled-back', old, others })
  })
})
