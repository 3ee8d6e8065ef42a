import type { Point } from '../../src/engine/rehearsal.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { isEnding } from '../../src/journal/steps.ts'
import { isEffect, type Step } from '../../src/plan/step.ts'
import { isOneWay, overlaps } from '../../src/plan/steps.ts'

/** What befalls a rotation at one step. */
export type Fault =
  /** It dies there; the next run goes on, or somebody asks to go back. */
  | { readonly is: 'kill'; readonly point: Point; readonly next: 'resume' | 'turn' }
  /** The effect happens, and its answer is lost. */
  | { readonly is: 'lose' }
  /** The effect is refused, once. */
  | { readonly is: 'refuse' }
  /** The provider does it after the deadline, when nobody waits for it any more. */
  | { readonly is: 'late' }

/** One rotation with one fault, and what has to come of it. */
export interface Cell {
  readonly title: string
  readonly way: 'forward' | 'back'
  readonly step: Step
  readonly fault: Fault
  /** A mint gets lost before: the step is there for that. */
  readonly lost: boolean
  readonly result: 'done' | 'rolled-back'
}

/**
 * Every cell of a plan: each step of both ways at each point, each effect with each fault, and the turn back wherever there is a way.
 * Points that leave the same journal and the same world are one: before a step is after the one before it, and a look changes nothing.
 */
export function cellsOf(plan: Plan): Cell[] {
  const forward = plan.steps.flatMap((step, at) => [...faultsOf(step, at === 0), ...turnsOf(plan, step, at)].map((fault) => cell(plan, 'forward', step, fault)))
  const back = plan.back.filter((step) => isReached(plan, step)).flatMap((step) => faultsOf(step, false).map((fault) => cell(plan, 'back', step, fault)))
  return [...forward, ...back]
}

/**
 * Whether another issuer may answer otherwise: its own effects, between intent and outcome. All other steps, and an answer that is lost
 * rather than never read, are the same for every issuer.
 */
export function isOfIssuer({ step, fault }: Cell): boolean {
  const asks = step.do === 'mint' || step.do === 'collect' || step.do === 'reclaim' || step.do === 'set'
  if (!asks || fault.is === 'lose') return false
  return fault.is !== 'kill' || fault.point === 'after-effect' || (fault.point === 'after-intent' && fault.next === 'resume')
}

/** From where the ways back begin: in the undo window, or when the last consumer was told; where there is no way back, before the mint. */
export function turningPoint({ steps, ...plan }: Plan): Step {
  const found = steps.find((step) => (isOneWay(plan) ? step.do === 'mint' : step.do === 'wait' && step.why === 'undo')) ?? steps.findLast((step) => step.do === 'attest')
  if (found === undefined) throw new Error('there is no way back in this plan')
  return found
}

/** Whether a way back that begins there comes to this step; what is there for a lost mint is reached with one. */
function isReached(plan: Plan, { needs }: Step): boolean {
  if (needs === undefined) return true
  const ended = plan.steps.indexOf(turningPoint(plan)) > plan.steps.findIndex(isEnding)
  return !isOneWay(plan) && (needs !== 'ended' || (ended && plan.traits.ends.length > 0))
}

function faultsOf(step: Step, first: boolean): Fault[] {
  const kill = (point: Point): Fault => ({ is: 'kill', point, next: 'resume' })
  const before = first ? [kill('before-intent')] : []
  if (!isEffect(step)) return [...before, ...(brings(step) ? [kill('after-effect')] : []), kill('after-outcome')]
  const atIssuer = step.do === 'mint' || step.do === 'set'
  return [...before, kill('after-intent'), kill('after-effect'), kill('after-outcome'), { is: 'lose' }, { is: 'refuse' }, ...(atIssuer ? [{ is: 'late' } as const] : [])]
}

/** A look that has brought something which is not on disk yet. */
function brings(step: Step): boolean {
  return step.do === 'collect' || step.do === 'preflight'
}

function turnsOf(plan: Plan, step: Step, at: number): Fault[] {
  const points: Point[] = isEffect(step) ? ['after-intent', 'after-effect', 'after-outcome'] : ['after-outcome']
  const begun = (kind: Step['do'], point: Point): boolean => plan.steps.some((each, index) => each.do === kind && (index < at || (index === at && point !== 'before-intent')))
  const gone = plan.steps.findIndex((each) => each.do === 'set' && each.to === 'gone')
  const returns = (point: Point): boolean => (isOneWay(plan) ? !begun('mint', point) : gone === -1 || at < gone)
  return points.filter(returns).map((point) => ({ is: 'kill', point, next: 'turn' }))
}

function cell(plan: Plan, way: Cell['way'], step: Step, fault: Fault): Cell {
  const lost = step.needs === 'lost'
  const turned = way === 'back' || turns(plan, step, fault)
  return { title: `${step.id}${lost ? ' after a lost mint' : ''}, ${inWords(fault)}`, way, step, fault, lost, result: turned ? 'rolled-back' : 'done' }
}

/** Whether the fault makes a rotation that goes forward go back. */
function turns(plan: Plan, step: Step, fault: Fault): boolean {
  if (fault.is === 'kill') return fault.next === 'turn'
  if (fault.is !== 'refuse') return false
  return step.do === 'mint' || (step.do === 'set' && step.to === 'on') || (step.phase === 'present' && !overlaps(plan) && !isOneWay(plan))
}

function inWords(fault: Fault): string {
  switch (fault.is) {
    case 'kill':
      return `killed ${fault.point}, then ${fault.next === 'turn' ? 'turned back' : 'resumed'}`
    case 'lose':
      return 'answer lost'
    case 'refuse':
      return 'refused'
    case 'late':
      return 'done late'
  }
}
