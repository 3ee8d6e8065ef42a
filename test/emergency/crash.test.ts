import { describe, expect, it } from 'vitest'
import type { Emergency } from '../../src/plan/plan.ts'
import { POINTS, type Point } from '../../src/engine/rehearsal.ts'
import { isEffect, type Step } from '../../src/plan/step.ts'
import { overlaps } from '../../src/plan/steps.ts'
import { readLedger } from '../../src/state/ledger.ts'
import type { ReferenceTraits } from '../../src/testing/index.ts'
import { verifyState } from '../../src/proof/audit.ts'
import { BACKENDS } from '../fixture/state.ts'
import { SECRET, setStage, type Stage, type StageOptions } from '../strategies/stage.ts'
import { declare, toTheEnd, watchValues } from './stage.ts'

const AT_ONCE = { grace: '1h', quiet: { for: '40ms', every: '20ms' }, undo: '40ms', deadline: '1s' }

/** What was open before: nothing, a rotation in its grace, or one that stands still with a mint that got no answer. */
type Before = 'nothing' | 'grace' | 'lost mint'

interface Part {
  readonly title: string
  readonly traits: ReferenceTraits
  readonly order: Emergency['order']
  readonly before: Before
  readonly options?: StageOptions
  /** On PostgreSQL as well: the effects, killed after they happened. */
  readonly both?: true
  /** Differs from another part in what the issuer does, and in nothing else. */
  readonly issuer?: true
}

const BY_TAG: ReferenceTraits = { value: 'made', mint: 'adds', locate: 'tag', slots: 5, ends: ['off', 'gone'] }

const PARTS: readonly Part[] = [
  { title: 'overlap by tag, forget first, in the grace of another', traits: BY_TAG, order: 'forget-first', before: 'grace', both: true },
  { title: 'overlap by tag, forget first, after a lost mint', traits: BY_TAG, order: 'forget-first', before: 'lost mint', both: true },
  { title: 'overlap by tag, mint first', traits: BY_TAG, order: 'mint-first', before: 'nothing', both: true },
  { title: 'overlap, two slots, both taken', traits: { ...BY_TAG, slots: 2 }, order: 'forget-first', before: 'grace', issuer: true },
  { title: 'overlap, chosen', traits: { value: 'chosen', mint: 'adds', locate: 'value', slots: 2, ends: ['gone'] }, order: 'forget-first', before: 'grace', issuer: true },
  { title: 'in place: reset is end and mint (S2-50)', traits: { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }, order: 'forget-first', before: 'nothing' },
  { title: 'hard cut', traits: { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }, order: 'forget-first', before: 'nothing', options: { strategy: 'hard-cut' } },
  { title: 'provider-managed, triggered at once', traits: { value: 'made', mint: 'triggers', locate: 'tag', slots: 1, ends: [] }, order: 'forget-first', before: 'nothing' },
  { title: 'a provider that ends nothing: a person does', traits: { value: 'made', mint: 'adds', locate: 'tag', slots: 5, ends: [] }, order: 'forget-first', before: 'nothing' },
]

async function set(part: Part, state: StageOptions['state']): Promise<Stage> {
  const stage = await setStage(part.traits, { ...part.options, secret: AT_ONCE, ...(state === undefined ? {} : { state }) })
  if (part.before === 'nothing') return stage
  if (part.before === 'lost mint') stage.server.arm('answer-lost', { on: 'mint' })
  await stage.open()
  if (part.before === 'grace') {
    expect(await stage.once()).toMatchObject({ is: 'waiting', why: 'grace' })
    return stage
  }
  await stage.dieAt('reclaim', 'before-intent')
  return stage
}

/** What has to be so in the end, whatever happened on the way. */
async function prove(stage: Stage, former: readonly string[], part: Part): Promise<void> {
  const events = await stage.events()
  const { closed, plan } = await stage.progress()
  expect(closed).toMatchObject({ result: 'done' })
  expect(events.some((event) => event.type === 'direction-turned')).toBe(false)
  const held = stage.stored()
  for (const service of Object.values(stage.services)) expect(service.instances.every(({ holds }) => holds === held)).toBe(true)
  expect(former.includes(held), 'the store holds a value of before').toBe(false)
  expect(stage.server.keys.accepts(held)?.state).toBe('on')
  // The one in use and no other: also what lost mints left is gone.
  expect(stage.server.keys.of('atlas').map(({ value, state }) => `${value === held ? 'the new one' : 'another'} ${state}`)).toEqual(['the new one on'])
  for (const value of former) expect(stage.server.keys.accepts(value)).toBeUndefined()
  const ledger = await readLedger(stage.engine.state.db, `strategies/staging/${SECRET}`)
  expect(ledger.filter(({ state }) => state !== 'gone').map(({ state }) => state)).toEqual(['presented'])
  const sealed = await stage.engine.state.db.selectFrom('sealed').select('name').where('rotation', '=', stage.rotation()).execute()
  expect(sealed.map(({ name }) => name).filter((name) => name !== 'snapshot')).toEqual(['new'])
  expect(plan.back).toEqual([])
  expect(overlaps(plan) || part.traits.slots === 1).toBe(true)
}

/** Points that leave the same journal and the same world are one. */
function pointsOf(step: Step, { issuer }: Part, kind: string): readonly Point[] {
  if (issuer === true && step.do !== 'forget' && step.do !== 'mint') return []
  if (kind === 'postgres') return isEffect(step) ? ['after-effect'] : []
  return isEffect(step) ? POINTS.filter((point) => point !== 'before-intent') : ['after-outcome']
}

const total = { cells: 0, ran: 0 }

describe('an emergency that is killed (a throw for SIGKILL) at every step and every point ends in the same end, and accepts nothing again that it ended', { timeout: 300_000 }, () => {
  const cases = PARTS.flatMap((part) => BACKENDS.filter(({ kind }) => part.both === true || kind === 'sqlite').map((backend) => ({ ...part, backend, name: `${backend.kind}: ${part.title}` })))
  it.for(cases)('$name', async (part) => {
    const fresh = (): Promise<Stage> => set(part, part.backend.fresh)
    const probe = await fresh()
    const id = await declare(probe, part.order)
    const { plan } = await probe.progress()
    expect(id).toBe(probe.rotation())
    const cells = plan.steps.filter((step) => step.needs === undefined || step.needs === 'minted').flatMap((step) => pointsOf(step, part, part.backend.kind).map((point) => ({ step, point })))
    const failed: string[] = []
    for (const { step, point } of cells) {
      total.cells += 1
      try {
        const stage = await fresh()
        const values = watchValues(stage)
        await declare(stage, part.order)
        const former = values.all()
        if (!(await stage.diesAt(step.id, point))) {
          await toTheEndAt(stage, step.id, point)
        }
        const dead = former.filter((value) => stage.server.keys.accepts(value) === undefined)
        await toTheEnd(stage)
        await prove(stage, former, part)
        expect(dead.every((value) => stage.server.keys.accepts(value) === undefined)).toBe(true)
        expect((await verifyState(stage.engine.state)).problems).toEqual([])
        total.ran += 1
      } catch (thrown) {
        failed.push(`${step.id}/${point}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
      }
    }
    expect(failed).toEqual([])
  })
})

/** A step that is reached only after a person has helped. */
async function toTheEndAt(stage: Stage, step: string, point: Point): Promise<void> {
  for (let helps = 0; helps < 4; helps += 1) {
    await toTheEnd(stage)
    if ((await stage.progress()).closed !== undefined) return
    if (await stage.diesAt(step, point)) return
  }
}

it('every cell was run', () => {
  console.log(`crash matrix of emergencies, in one process: ${total.ran} cells run, ${total.cells} computed`)
  expect(total.ran).toBe(total.cells)
})
