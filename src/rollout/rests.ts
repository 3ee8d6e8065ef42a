import type { Plan } from '../plan/plan.ts'
import type { Step } from '../plan/step.ts'
import { overlaps } from '../plan/steps.ts'

/** What one round of restarts is made of, after it was published. */
const ROUND = new Set<Step['do']>(['reload', 'attest', 'check'])

/**
 * The plan with the rests that its manifest asks for between consumers: after each that has one its pause, and the checks that stand
 * behind a wave before the next one is touched, in both directions and in every round. Where old and new do not overlap, or all instances
 * are replaced at once, nothing may stand between two consumers: such a plan stays as it is, with the checks after all of them. Pure.
 */
export function withRests(plan: Plan): Plan {
  const asked = plan.checks.some(({ after }) => after !== undefined) || plan.waves.flat().some(({ pause }) => pause !== undefined)
  if (!asked || !overlaps(plan) || plan.strategy === 'hard-cut') return plan
  const steps = rested(plan, plan.steps)
  const paused = steps.reduce((sum, step) => sum + (step.do === 'wait' && step.why === 'pause' ? step.for : 0), 0)
  return { ...plan, steps, back: rested(plan, plan.back), summary: { ...plan.summary, takes: plan.summary.takes + paused, until: plan.summary.until + paused } }
}

function rested(plan: Plan, steps: readonly Step[]): Step[] {
  const list: Step[] = []
  const moved = new Set<string>()
  for (const [index, step] of steps.entries()) {
    if (moved.has(step.id)) continue
    list.push(step)
    if (step.do !== 'attest') continue
    const end = steps.findIndex((each, at) => at > index && !ROUND.has(each.do))
    const rest = steps.slice(index + 1, end < 0 ? undefined : end)
    const next = rest.find((each) => each.do === 'reload')
    const behind = next?.do === 'reload' && next.wave === step.wave ? [] : rest.filter((each) => each.do === 'check' && each.list === 'secret' && plan.checks[each.index]?.after === step.wave)
    list.push(...behind)
    for (const { id } of behind) moved.add(id)
    const { pause = 0 } = plan.waves[step.wave]?.[step.consumer] ?? {}
    if (pause > 0 && next !== undefined) list.push({ id: step.id.replace('attest:', 'pause:'), phase: step.phase, deadline: plan.timing.deadline, do: 'wait', why: 'pause', for: pause, ...(step.needs === undefined ? {} : { needs: step.needs }) })
  }
  return list
}
