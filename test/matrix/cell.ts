import { POINTS, type Point } from '../../src/engine/rehearsal.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { isEffect, type Step } from '../../src/plan/step.ts'

/** The strategies whose plans make the matrix. */
export const STRATEGIES = ['alternate', 'in-place'] as const
export type MatrixStrategy = (typeof STRATEGIES)[number]

/** Where the state of a cell lies: in a folder of its own, or in a schema of its own on PostgreSQL. */
export type MatrixState = 'folder' | 'database'

/** The command of the run after the fault. */
export type Verb = 'resume' | 'abort' | 'undo'

/** What befalls a rotation at one step. */
export type Fault =
  /** SIGKILL at the point. */
  | { readonly is: 'kill'; readonly point: Point; readonly next: Verb }
  /** The effect is applied and its answer lost. */
  | { readonly is: 'lose' }
  | { readonly is: 'refuse' }
  /**
   * The worker falls silent at the point, another one takes over, and the first one wakes up before the second has come to its
   * receipt. `within`: before its deadline is over. Then only the issuer's fence can refuse what it does late; elsewhere it happens.
   */
  | { readonly is: 'late'; readonly point: LatePoint; readonly next: Verb; readonly within: boolean }

type LatePoint = 'after-intent' | 'after-effect'

/** One rotation with one fault, and what has to come of it. */
export interface Cell {
  readonly title: string
  readonly strategy: MatrixStrategy
  readonly state: MatrixState
  readonly way: 'forward' | 'back'
  readonly step: Step
  readonly fault: Fault
  readonly result: 'done' | 'rolled-back'
  /** How far the new credential got: no value was chosen, it was refused, it was asked for and never taken, it was accepted. */
  readonly fresh: 'none' | 'refused' | 'sealed' | 'minted'
}

/**
 * Every cell of a plan: each step of both directions at each point, each effect with each fault, and the turn back at each step
 * from which there is a way back.
 */
export function cellsOf(plan: Plan): Cell[] {
  return [
    ...plan.steps.flatMap((step) => [...faultsOf(step), ...turnsOf(plan, step)].map((fault) => cell(plan, 'forward', step, fault))),
    ...plan.back.flatMap((step) => faultsOf(step).map((fault) => cell(plan, 'back', step, fault))),
  ]
}

function faultsOf(step: Step): Fault[] {
  const kills = POINTS.map((point): Fault => ({ is: 'kill', point, next: 'resume' }))
  if (!isEffect(step)) return kills
  return [...kills, { is: 'lose' }, { is: 'refuse' }, ...lateAt('after-intent', 'resume'), ...lateAt('after-effect', 'resume')]
}

function turnsOf(plan: Plan, step: Step): Fault[] {
  const at = plan.steps.indexOf(step)
  const ended = (to: 'off' | 'gone', point: Point): boolean => plan.steps.some((each, index) =>
    each.do === 'set' && each.to === to && (index < at || (index === at && point !== 'before-intent')))
  const points = isEffect(step) ? (['before-intent', 'after-intent', 'after-effect'] as const) : (['before-intent'] as const)
  return points.filter((point) => !ended('gone', point)).flatMap((point): Fault[] => {
    const next = ended('off', point) ? 'undo' : 'abort'
    return [{ is: 'kill', point, next }, ...(point === 'before-intent' ? [] : lateAt(point, next))]
  })
}

function lateAt(point: LatePoint, next: Verb): Fault[] {
  return [{ is: 'late', point, next, within: true }, { is: 'late', point, next, within: false }]
}

function cell(plan: Plan, way: Cell['way'], step: Step, fault: Fault): Cell {
  const strategy = plan.strategy === 'in-place' ? 'in-place' : 'alternate'
  const turned = way === 'back' || turns(strategy, step, fault)
  return {
    title: `${strategy} ${step.id}, ${inWords(fault)}`,
    strategy, way, step, fault, state: 'folder',
    result: turned ? 'rolled-back' : 'done',
    fresh: way === 'back' || !turned ? 'minted' : freshAt(plan, step, fault),
  }
}

/**
 * The cells in which the state itself is at stake, with their state on PostgreSQL. `all`: every step killed once, each effect at every
 * point and overtaken by another worker. `some`: the effects of the way forward, killed before and after they happened and overtaken
 * in their time. What a refused or lost answer leads to does not depend on where the journal lies.
 */
export function onDatabase(cells: readonly Cell[], which: 'all' | 'some'): Cell[] {
  const chosen = cells.filter(({ step, fault, way }) => {
    if ((fault.is !== 'kill' && fault.is !== 'late') || fault.next !== 'resume') return false
    if (which === 'all') return fault.is === 'late' || isEffect(step) || fault.point === 'after-effect'
    const inTheMiddle = fault.point === 'after-intent' || fault.point === 'after-effect'
    return way === 'forward' && isEffect(step) && (fault.is === 'kill' ? inTheMiddle : fault.within && fault.point === 'after-intent')
  })
  return chosen.map((each) => ({ ...each, title: `${each.title}, state on PostgreSQL`, state: 'database' }))
}

/** Whether the fault makes a rotation that goes forward go back. */
function turns(strategy: MatrixStrategy, step: Step, fault: Fault): boolean {
  if (fault.is === 'refuse') return step.do === 'mint' || (strategy === 'in-place' && step.phase === 'present')
  return fault.is !== 'lose' && fault.next !== 'resume'
}

function freshAt(plan: Plan, step: Step, fault: Fault): Cell['fresh'] {
  const behind = plan.steps.indexOf(step) - plan.steps.findIndex((each) => each.do === 'mint')
  if (behind !== 0) return behind > 0 ? 'minted' : 'none'
  if (fault.is === 'refuse') return 'refused'
  if ('point' in fault && fault.point === 'before-intent') return 'none'
  return 'point' in fault && fault.point === 'after-effect' ? 'minted' : 'sealed'
}

/** Whether the issuer refuses what an owner that was taken over does late; a store or a consumer does not know of owners. */
export function isFenced(step: Step): boolean {
  return step.do === 'mint' || step.do === 'set'
}

function inWords(fault: Fault): string {
  switch (fault.is) {
    case 'kill':
      return `killed ${fault.point}, then ${fault.next}`
    case 'lose':
      return 'answer lost after apply'
    case 'refuse':
      return 'refused'
    case 'late':
      return `silent ${fault.point}, then ${fault.next} by another, awake ${fault.within ? 'in' : 'past'} its time`
  }
}

/** The same cells, with those that mostly wait spread among those that mostly work. */
export function spread(cells: readonly Cell[]): Cell[] {
  const waits = ({ fault }: Cell): boolean => fault.is === 'late'
  const kinds = [cells.filter(waits), cells.filter((each) => !waits(each))]
  const placed = kinds.flatMap((kind) => kind.map((each, index) => ({ each, at: (index + 0.5) / kind.length })))
  return placed.sort((one, other) => one.at - other.at).map(({ each }) => each)
}
