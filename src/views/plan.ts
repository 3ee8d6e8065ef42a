import type { Plan } from '../plan/plan.ts'
import { duration } from './duration.ts'
import type { Paint } from './paint.ts'
import { stepText } from './step.ts'

/** A plan for a reviewer: what it touches, what users feel, where there is no way back, and every step. */
export function planLines(plan: Plan, paint: Paint): string[] {
  const { summary } = plan
  const fact = (name: string, text: string): string => `  ${paint.dim(name.padEnd(14))}${text}`
  const restarts = plan.waves.flat().filter((consumer) => consumer.reload === 'restart').length
  const wide = Math.max(14, ...plan.steps.map(({ id }) => id.length + 1))
  return [
    paint.strong(`Plan for ${plan.secret} of ${plan.system} (${plan.environment}): ${plan.strategy}`),
    '',
    ...(plan.takesBack === undefined ? [] : [fact('takes back', plan.takesBack)]),
    fact('principal', plan.principal),
    fact('in use', plan.current === undefined ? 'not looked at' : `${plan.current.id}${plan.current.fingerprint === undefined ? '' : ` ${plan.current.fingerprint}`}`),
    fact('will be', plan.next?.id ?? (plan.current === undefined ? 'not looked at' : 'named when it is made')),
    ...plan.stores.map((store) => fact('store', `${store.title}: ${Object.keys(store.bind).join(', ')}`)),
    ...plan.waves.flatMap((wave, index) => wave.map((consumer) => fact(`wave ${index + 1}`, `${consumer.title}: ${consumer.instances.join(', ') || 'not looked at'}; ${consumer.reload}, proof by ${consumer.proof}`))),
    fact('users feel', summary.impact),
    fact('gap', summary.gap === 0 ? 'none: old and new are accepted side by side' : `about ${duration(summary.gap)} in which new logins fail`),
    fact('restarts', restarts === 0 ? 'none' : String(restarts)),
    fact('slots', `${summary.slots.needed} of ${summary.slots.has}`),
    fact('late effects', summary.fenced === undefined ? 'not looked at' : summary.fenced ? 'fenced by the issuer' : 'unfenced: waited out, and probed again'),
    fact('takes', `${duration(summary.takes)}, with the waits ${duration(summary.until)}`),
    fact('no return', summary.pointOfNoReturn === undefined ? 'never: the old value can be applied again' : `from the step ${summary.pointOfNoReturn} on`),
    ...summary.notRestored.map((text) => fact('not restored', text)),
    ...summary.notices.map((text) => fact('note', paint.warn(text))),
    '',
    ...plan.steps.map((step, index) => `  ${String(index + 1).padStart(3)}  ${paint.dim(step.phase.padEnd(10))}${step.id.padEnd(wide)}${stepText(plan, step)}`),
    '',
    paint.dim('Nothing was changed.'),
  ]
}
