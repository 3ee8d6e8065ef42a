import { POINTS, type Point } from '../../src/engine/rehearsal.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { isEffect, type Step } from '../../src/plan/step.ts'

/** The strategies whose plans make the matrix. */
export const STRATEGIES = ['alternate', 'in-place'] as const
export type MatrixStrategy = (typeof STRATEGIES)[number]

/** What befalls a rotation at one step. */
export type Fault =
  /** SIGKILL at the point; the next run resumes, or with `turns` goes back. */
  | { readonly is: 'kill'; readonly point: Point; readonly turns: boolean }
  /** The effect is applied and its answer lost. */
  | { readonly is: 'lose' }
  | { readonly is: 'refuse' }
  /**
   * The worker falls silent at the point and another one takes over and resumes, or with `turns` goes back; it wakes up before
   * the other one has come to its receipt. `within`: its deadline is not over by then, so that only the issuer's fence can refuse
   * what it does late.
   */
  | { readonly is: 'late'; readonly point: 'after-intent' | 'after-effect'; readonly turns: boolean; readonly within: boolean }

/** One rotation with one fault, and what has to come of it. */
export interface Cell {
  readonly title: string
  readonly strategy: MatrixStrategy
  readonly way: 'forward' | 'back'
  readonly step: Step
  readonly fault: Fault
  readonly result: 'done' | 'rolled-back'
  /** Whether the issuer makes a second role on the way. */
  readonly pair: boolean
}

/** Every cell of a plan: each step of both directions at each point, and each effect with each fault. */
export function cellsOf(plan: Plan): Cell[] {
  return [...plan.steps.flatMap((step) => forward(plan, step)), ...plan.back.flatMap((step) => faultsOf(step).map((fault) => cell(plan, 'back', step, fault)))]
}

function forward(plan: Plan, step: Step): Cell[] {
  const turned: Fault[] = !isEffect(step) || pastReturn(step) ? [] : (['after-intent', 'after-effect'] as const).flatMap((point): Fault[] => [
    { is: 'kill', point, turns: true },
    { is: 'late', point, turns: true, within: byIssuer(step) },
  ])
  return [...faultsOf(step), ...turned].map((fault) => cell(plan, 'forward', step, fault))
}

/** The faults that every step of a plan has to survive by being resumed. */
function faultsOf(step: Step): Fault[] {
  const kills = POINTS.map((point): Fault => ({ is: 'kill', point, turns: false }))
  if (!isEffect(step)) return kills
  const late = (['after-intent', 'after-effect'] as const).flatMap((point): Fault[] => [
    { is: 'late', point, turns: false, within: false },
    ...(byIssuer(step) ? [{ is: 'late', point, turns: false, within: true } as const] : []),
  ])
  return [...kills, { is: 'lose' }, { is: 'refuse' }, ...late]
}

function cell(plan: Plan, way: Cell['way'], step: Step, fault: Fault): Cell {
  const strategy = plan.strategy === 'in-place' ? 'in-place' : 'alternate'
  const turned = way === 'back' || turns(strategy, step, fault)
  const unmade = way === 'forward' && step.do === 'mint' && turned && (fault.is === 'refuse' || ('point' in fault && fault.point === 'after-intent'))
  return {
    title: `${strategy} ${step.id}, ${inWords(fault)}`,
    strategy, way, step, fault,
    result: turned ? 'rolled-back' : 'done',
    pair: strategy === 'alternate' && !unmade,
  }
}

/** Whether the fault makes a rotation that goes forward go back. */
function turns(strategy: MatrixStrategy, step: Step, fault: Fault): boolean {
  if (fault.is === 'refuse') return step.do === 'mint' || (strategy === 'in-place' && step.phase === 'present')
  return fault.is !== 'lose' && fault.turns
}

/** From the intent on to end the old one for good there is no way back. */
function pastReturn(step: Step): boolean {
  return step.do === 'set' && step.to === 'gone'
}

/** Whether the effect is the issuer's, which fences it: then a successor does not wait for the deadline of the one before. */
function byIssuer(step: Step): boolean {
  return step.do === 'mint' || step.do === 'set'
}

function inWords(fault: Fault): string {
  switch (fault.is) {
    case 'kill':
      return `killed ${fault.point}${fault.turns ? ' and turned back' : ''}`
    case 'lose':
      return 'answer lost after apply'
    case 'refuse':
      return 'refused'
    case 'late':
      return `silent ${fault.point}, taken over${fault.turns ? ' and turned back' : ''}, awake ${fault.within ? 'within' : 'past'} its deadline`
  }
}

/** The same cells, with those that mostly wait spread among those that mostly work. */
export function spread(cells: readonly Cell[]): Cell[] {
  const waiting = cells.filter(({ fault }) => fault.is === 'late')
  const working = cells.filter(({ fault }) => fault.is !== 'late')
  const order = (all: readonly Cell[]): { cell: Cell; at: number }[] => all.map((each, index) => ({ cell: each, at: (index + 0.5) / all.length }))
  return [...order(waiting), ...order(working)].sort((one, other) => one.at - other.at).map((each) => each.cell)
}
