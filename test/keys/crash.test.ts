import { describe, expect, it } from 'vitest'
import { POINTS, type Point } from '../../src/engine/rehearsal.ts'
import { forgets } from '../../src/journal/steps.ts'
import { request } from '../../src/operations/request.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { isEffect, type Step } from '../../src/plan/step.ts'
import { verifyState } from '../../src/proof/audit.ts'
import { readLedger } from '../../src/state/ledger.ts'
import { BACKENDS } from '../fixture/state.ts'
import { soundEvents } from '../fixture/sound.ts'
import { type KeyStage, SECRET, setKeyStage } from './stage.ts'

/** What befalls a rotation at one step. */
type Fault = { readonly point: Point; readonly next: 'resume' | 'turn' } | 'lose' | 'refuse'

interface Cell {
  readonly title: string
  readonly way: 'forward' | 'back'
  readonly step: Step
  readonly fault: Fault
  readonly result: 'done' | 'rolled-back'
}

/** From where the ways back begin: when the last instance presents the new key. */
const turning = ({ steps }: Plan): number => steps.findLastIndex((step) => step.do === 'attest' && step.phase === 'present')

/**
 * Each step of both ways at each point, each effect with each fault, and the turn back wherever there is a way. Points that leave the same
 * journal and the same world are one: before a step is after the one before it, and a look changes nothing.
 */
function cellsOf(plan: Plan): Cell[] {
  const forgotten = plan.steps.findIndex(forgets)
  const cell = (way: Cell['way'], step: Step, fault: Fault, turned = way === 'back'): Cell => {
    const words = typeof fault === 'string' ? fault : `killed ${fault.point}, then ${fault.next}`
    return { title: `${step.id}, ${words}`, way, step, fault, result: turned ? 'rolled-back' : 'done' }
  }
  const pointsOf = (step: Step): readonly Point[] => (isEffect(step) ? ['after-intent', 'after-effect', 'after-outcome'] : step.do === 'preflight' ? POINTS : ['after-outcome'])
  const faults = (step: Step): Fault[] => [...pointsOf(step).map((point) => ({ point, next: 'resume' as const })), ...(isEffect(step) ? (['lose', 'refuse'] as const) : [])]
  const forward = plan.steps.flatMap((step, at) => [
    ...faults(step).map((fault) => cell('forward', step, fault, fault === 'refuse' && step.do === 'mint')),
    // From the intent to forget on there is no way back.
    ...(at < forgotten ? pointsOf(step) : []).map((point) => cell('forward', step, { point, next: 'turn' }, true)),
  ])
  return [...forward, ...plan.back.flatMap((step) => faults(step).map((fault) => cell('back', step, fault)))]
}

async function play(stage: KeyStage, cell: Cell): Promise<void> {
  const before = [stage.text(0), stage.text(1)]
  await stage.open()
  if (cell.way === 'back') {
    const { plan } = await stage.progress()
    if (!(await stage.diesAt(plan.steps[turning(plan)]?.id ?? '', 'after-outcome'))) throw new Error('never turned')
    await stage.turn()
  }
  if (typeof cell.fault === 'string') {
    stage.rehearse(cell.step.id, cell.fault)
  } else {
    if (!(await stage.diesAt(cell.step.id, cell.fault.point))) throw new Error(`never came to ${cell.step.id}/${cell.fault.point}`)
    if (cell.fault.next === 'turn') await stage.turn()
  }
  let stopped = await stage.on()
  for (let helps = 0; stopped.is === 'person' && helps < 4; helps += 1) {
    await request(stage.engine, stage.rotation(), 'resume')
    stopped = await stage.on()
  }
  expect(stopped).toMatchObject({ is: 'closed', result: cell.result })
  await soundEvents(stage.engine, stage.rotation())
  await prove(stage, cell, before)
}

/** One key is left, in both files under its base name and in every instance; the files have every other byte as before. */
async function prove(stage: KeyStage, { result }: Cell, before: readonly string[]): Promise<void> {
  const key = /^# of the API\nKEY=([0-9a-f]{64})\n$/.exec(stage.text(0))?.[1]
  expect(key, 'one key in the file').toBeDefined()
  expect(stage.text(1)).toBe(stage.text(0))
  expect(stage.text(0) === before[0]).toBe(result === 'rolled-back')
  for (const { signs, accepts } of stage.holders.all) expect([signs, accepts]).toEqual([key, [key]])
  expect(stage.holders.refused, 'tokens that were good').toEqual([])
  const { state } = stage.engine
  const sealed = await state.db.selectFrom('sealed').select('name').where('rotation', '=', stage.rotation()).where('name', 'in', ['new', 'old']).execute()
  expect(sealed).toEqual(result === 'done' ? [{ name: 'new' }] : [])
  const ledger = await readLedger(state.db, `keys/staging/${SECRET}`)
  expect(ledger.filter((row) => row.state !== 'gone' && row.state !== 'staged').map((row) => row.state)).toEqual(ledger.length === 0 ? [] : ['presented'])
}

/** On PostgreSQL: the effects, killed when they may have happened. What else may go wrong does not depend on where the journal lies. */
const MAY_HAVE_HAPPENED = ({ step, fault }: Cell): boolean => isEffect(step) && typeof fault !== 'string' && fault.next === 'resume' && (fault.point === 'after-intent' || fault.point === 'after-effect')

describe('two keys, killed in this process (a throw for SIGKILL) at every step and every point (G-05, G-06, C-11, I1, I4, I6, I9)', { timeout: 300_000 }, () => {
  it.each(BACKENDS)('on $name: no token that is good is ever refused, and one key is left', async ({ kind, name }) => {
    let stage = await setKeyStage(kind)
    const cells = cellsOf(await stage.plan()).filter(kind === 'sqlite' ? () => true : MAY_HAVE_HAPPENED)
    const failed: string[] = []
    let [tokens, shown] = [0, 0]
    for (const cell of cells) {
      try {
        await play(stage, cell)
      } catch (thrown) {
        failed.push(`${cell.title}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
        const { tokens: more, shown: often } = stage.holders.count();
        [tokens, shown] = [tokens + more, shown + often]
        stage = await setKeyStage(kind)
      }
    }
    expect(failed).toEqual([])
    expect((await verifyState(stage.engine.state)).problems).toEqual([])
    const { tokens: more, shown: often } = stage.holders.count()
    console.log(`crash matrix of two keys on ${name}: ${cells.length} cells run; ${tokens + more} tokens, shown ${shown + often} times, ${stage.holders.refused.length} refused`)
  })
})
