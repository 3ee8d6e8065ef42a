import { POINTS, type Point } from '../../src/engine/rehearsal.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { isEffect, type Step } from '../../src/plan/step.ts'

/** The strategies whose plans make the matrix. */
export const STRATEGIES = ['alternate', 'in-place'] as const
export type MatrixStrategy = (typeof STRATEGIES)[number]

/** What befalls a rotation at one step. */
export type Fault =
  /** SIGKILL at the point; the next run resumes, or goes back. */
  | { readonly is: 'kill'; readonly point: Point; readonly then: Then }
  /** The effect is applied and its answer lost. */
  | { readonly is: 'lose' }
  | { readonly is: 'refuse' }
  /**
   * The worker falls silent at the point, another one takes over and resumes or goes back, and the first one wakes up before the
   * second has come to its receipt. `within`: before its deadline is over, so that only the issuer's fence can refuse what it does late, and elsewhere it happens.
   */
  | { readonly is: 'late'; readonly point: 'after-intent' | 'after-effect'; readonly then: Then; readonly within: boolean }

/** The command of the next run. */
export type Then = 'resume' | 'abort' | 'undo'

/** One rotation with one fault, and what has to come of it. */
export interface Cell {
  readonly title: string
  readonly strategy: MatrixStrategy
  readonly way: 'forward' | 'back'
  readonly step: Step
  readonly fault: Fault
  readonly result: 'done' | 'rolled-back'
  /** How far the new credential got: no value was chosen, the issuer never took it, or it was accepted. */
  readonly fresh: 'none' | 'sealed' | 'minted'
}

/** Every cell of a plan: each step of both directions at each point, and each effect with each fault. */
export function cellsOf(plan: Plan): Cell[] {
  return [
    ...plan.steps.flatMap((step) => [...faultsOf(step, 'resume'), ...turnsOf(plan, step)].map((fault) => cell(plan, 'forward', step, fault))),
    ...plan.back.flatMap((step) => faultsOf(step, 'resume').map((fault) => cell(plan, 'back', step, fault))),
  ]
}

/** What every step has to survive. */
function faultsOf(step: Step, then: Then): Fault[] {
  const kills = POINTS.map((point): Fault => ({ is: 'kill', point, then }))
  return isEffect(step) ? [...kills, { is: 'lose' }, { is: 'refuse' }, ...lateAt('after-intent', then), ...lateAt('after-effect', then)] : kills
}

/** The ways to turn back at a step that goes forward: until the old credential may be gone for good. */
function turnsOf(plan: Plan, step: Step): Fault[] {
  const begun = (of: Step, point: Point): boolean => plan.steps.indexOf(of) < plan.steps.indexOf(step) || (of === step && point !== 'before-intent')
  const ended = (to: 'off' | 'gone', point: Point): boolean => plan.steps.some((each) => each.do === 'set' && each.to === to && begun(each, point))
  const points = isEffect(step) ? (['before-intent', 'after-intent', 'after-effect'] as const) : (['before-intent'] as const)
  return points.filter((point) => !ended('gone', point)).flatMap((point): Fault[] => {
    const then = ended('off', point) ? 'undo' : 'abort'
    return [{ is: 'kill', point, then }, ...(point === 'before-intent' ? [] : lateAt(point, then))]
  })
}

function lateAt(point: 'after-intent' | 'after-effect', then: Then): Fault[] {
  return [{ is: 'late', point, then, within: true }, { is: 'late', point, then, within: false }]
}

function cell(plan: Plan, way: Cell['way'], step: Step, fault: Fault): Cell {
  const strategy = plan.strategy === 'in-place' ? 'in-place' : 'alternate'
  const turned = way === 'back' || turns(strategy, step, fault)
  return {
    title: `${strategy} ${step.id}, ${inWords(fault)}`,
    strategy, way, step, fault,
    result: turned ? 'rolled-back' : 'done',
    fresh: way === 'back' || !turned ? 'minted' : freshAt(plan, step, fault),
  }
}

function freshAt(plan: Plan, step: Step, fault: Fault): Cell['fresh'] {
  const behind = plan.steps.indexOf(step) - plan.steps.findIndex((each) => each.do === 'mint')
  if (behind !== 0) return behind > 0 ? 'minted' : 'none'
  if ('point' in fault && fault.point === 'before-intent') return 'none'
  return 'point' in fault && fault.point !== 'after-intent' ? 'minted' : 'sealed'
}

/** Whether the fault makes a rotation that goes forward go back. */
function turns(strategy: MatrixStrategy, step: Step, fault: Fault): boolean {
  if (fault.is === 'refuse') return step.do === 'mint' || (strategy === 'in-place' && step.phase === 'present')
  return fault.is !== 'lose' && fault.then !== 'resume'
}

/** Whether the issuer refuses what an owner that was taken over does late; a store or a consumer does not know of owners. */
export function isFenced(step: Step): boolean {
  return step.do === 'mint' || step.do === 'set'
}

function inWords(fault: Fault): string {
  switch (fault.is) {
    case 'kill':
      return `killed ${fault.point}, ${fault.then}`
    case 'lose':
      return 'answer lost after apply'
    case 'refuse':
      return 'refused'
    case 'late':
      return `silent ${fault.point}, ${fault.then} by another, awake ${fault.within ? 'in' : 'past'} its time`
  }
}

/** The same cells, with those that mostly wait spread among those that mostly work. */
export function spread(cells: readonly Cell[]): Cell[] {
  const waiting = cells.filter(({ fault }) => fault.is === 'late')
  const working = cells.filter(({ fault }) => fault.is !== 'late')
  const order = (all: readonly Cell[]): { cell: Cell; at: number }[] => all.map((each, index) => ({ cell: each, at: (index + 0.5) / all.length }))
  return [...order(waiting), ...order(working)].sort((one, other) => one.at - other.at).map((each) => each.cell)
}
