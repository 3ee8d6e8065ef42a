import type { Point } from '../../src/engine/rehearsal.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { isEffect, type Step } from '../../src/plan/step.ts'

/** Where an outage begins: a step of a plan, and a point of it. */
export interface Phase {
  readonly step: string
  readonly point: Point
  /** The effect of the step happened, and its answer is the first thing that is lost. */
  readonly lost?: true
}

/** For titles: `mint, its answer lost`. */
export function phaseTitle({ step, lost }: Phase): string {
  return lost === true ? `${step}, its answer lost` : step
}

/**
 * Every phase of a plan in which the provider is asked, from the mint on, in order: each look, and each effect twice, before it is sent
 * and after it happened. With the consumers and the stores keyturn works without the provider: there an outage begins in the first
 * `publish`, and is met by what follows.
 */
export function phasesOf({ steps, traits }: Plan): Phase[] {
  return steps.filter((step) => meets(step, traits)).flatMap((step): Phase[] => {
    if (!isEffect(step)) return [{ step: step.id, point: 'before-intent' }]
    const before = { step: step.id, point: 'after-intent' } as const
    return step.do === 'mint' || step.do === 'set' ? [before, { step: step.id, point: 'after-effect', lost: true }] : [before]
  })
}

function meets(step: Step, { locate, ends }: Plan['traits']): boolean {
  switch (step.do) {
    case 'mint':
    case 'set':
    case 'probe':
    case 'watch':
    case 'gate':
    case 'prove':
      return true
    // Who can neither find a credential nor end one has nothing to list.
    case 'sweep':
      return locate !== 'none' || ends.length > 0
    // A trigger needs a moment: its provider is asked again and again.
    case 'collect':
      return true
    case 'publish':
      return step.store === 0
    // What a lost mint left is looked for in the outage that begins with it; at the end it is looked for in any case.
    case 'reclaim':
      return step.needs === 'minted'
    default:
      return false
  }
}
