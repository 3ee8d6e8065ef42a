import { type Code, CODES } from '../kit/index.ts'
import type { Stopped } from '../engine/drive.ts'
import type { Late } from '../engine/engine.ts'
import type { TimedEvent } from '../journal/event.ts'
import type { Progress } from '../journal/progress.ts'
import { newIdOf, stepOf, stepsOf } from '../journal/steps.ts'
import { duration, moment } from './duration.ts'
import type { Paint } from './paint.ts'
import { stepText } from './step.ts'

/** One line for an event that a reader wants to see; undefined for the others. */
export function eventLine(event: TimedEvent, progress: Progress, paint: Paint): string | undefined {
  const { plan } = progress
  const since = paint.dim(`+${duration(Math.max(0, event.at - progress.openedAt))}`.padStart(9))
  const line = (mark: string, text: string): string => `${since}  ${mark} ${text}`
  switch (event.type) {
    case 'rotation-claimed':
      return event.predecessor === 'none' ? undefined : line(paint.dim('·'), `taken over: the run before is ${event.predecessor === 'dead' ? 'gone' : 'silent'}`)
    case 'step-done': {
      const step = stepOf(plan, event.step)
      if (step.do === 'wait') return undefined
      return line(paint.good('✔'), `${stepText(plan, step, newIdOf(progress))}${event.settled === true ? paint.dim(' (found done)') : ''}${paint.dim(proofText(event.evidence))}`)
    }
    case 'barrier-passed':
      return event.with.length === 0 ? undefined : line(paint.dim('·'), `everybody is ready: what it reloads is reloaded for ${event.with.join(', ')}, too`)
    case 'reload-shared':
      return line(paint.good('✔'), `${stepText(plan, stepOf(plan, event.step), newIdOf(progress))}${paint.dim(` (by ${event.by})`)}`)
    case 'step-absent':
      return line(paint.dim('·'), `${event.step} had not happened, again`)
    case 'step-refused':
      return line(paint.bad('✘'), `${event.step}: ${CODES[event.code].says}${event.about === undefined ? '' : `: ${event.about}`}`)
    case 'step-unknown':
      return line(paint.warn('?'), `${event.step}: ${CODES[event.code].says}; looking`)
    case 'step-asked':
      return line(paint.warn('!'), `${event.step}: ${event.task.title}`)
    case 'wait-started':
      return line(paint.dim('·'), `${stepText(plan, stepOf(plan, event.step), newIdOf(progress))}, until ${moment(event.until)}`)
    case 'gate-held':
      return line(paint.warn('▮'), `held: ${event.reasons.join('; ')}`)
    case 'direction-turned':
      return line(paint.warn('↶'), `going back: ${reason(event.code, event.about)}`)
    case 'task-answered':
      return line(paint.good('✔'), `${event.step}: answered by ${event.by}${event.unproven === undefined ? '' : `; kept, though ${event.unproven.join(', ')} gave no verdict on it now: it is probed again before anybody is given it`}`)
    case 'task-declined':
      return line(paint.bad('✘'), `${event.step}: declined by ${event.by}: ${event.reason}`)
    case 'task-reminded':
      return line(paint.warn('!'), `${event.step}: still to be done: ${progress.asked?.task.title ?? ''}`)
    case 'value-handed':
      return line(paint.warn('→'), `${event.step}: handed over for ${event.receiver} by ${event.by}`)
    case 'receiver-acknowledged':
      return line(paint.good('✔'), `${event.step}: ${event.receiver} has taken it, says ${event.by}`)
    case 'acknowledged':
      return line(paint.warn('!'), `${event.by} answers for ${event.what}: ${event.reason}`)
    case 'rotation-paused':
      return line(paint.bad('▮'), `paused at ${event.step}`)
    default:
      return undefined
  }
}

/** That nothing goes on before a late effect cannot land any more. */
export function lateLine({ step, at, until }: Late, progress: Progress, paint: Paint): string {
  const since = paint.dim(`+${duration(Math.max(0, at - progress.openedAt))}`.padStart(9))
  return `${since}  ${paint.dim('·')} waiting until ${moment(until)}: an earlier try of ${step.id} may still land (${stepText(progress.plan, step)})`
}

/** The step at hand, for a line that is replaced when it is done; undefined when nothing is. */
export function atHandLine(progress: Progress, paint: Paint): string | undefined {
  if (progress.closed !== undefined || progress.paused !== undefined) return undefined
  const step = stepsOf(progress).find((each) => !progress.done.has(each.id))
  return step === undefined || step.do === 'wait' ? undefined : paint.dim(`           … ${stepText(progress.plan, step, newIdOf(progress))}`)
}

/** The part of the evidence that is a server's own words. */
function proofText(evidence: Readonly<Record<string, unknown>>): string {
  const words = Object.entries(evidence).filter(([name]) => name.includes(' at '))
  return words.length === 0 ? '' : ` (${words.map(([name, value]) => `${name}: ${String(value)}`).join(', ')})`
}

/** The line that counts down a wait. */
export function waitLine(stopped: Stopped & { is: 'waiting' }, now: number, paint: Paint): string {
  const left = duration(Math.max(0, Math.ceil((stopped.until - now) / 1_000) * 1_000))
  if (stopped.why === 'sealer') return paint.warn(`           values cannot be opened now, trying again in ${left}: ${stopped.about}`)
  return paint.dim(stopped.why === 'gate' ? `           held, looking again in ${left}: ${stopped.about}` : `           ${stopped.why}: ${left} left`)
}

/** Where a run stopped, and what the reader can do. */
export function stopLines(stopped: Stopped, rotation: string, receipt: string | undefined, paint: Paint): string[] {
  switch (stopped.is) {
    case 'closed': {
      const proof = receipt === undefined ? [] : [`receipt: ${receipt}`]
      // Every rotation that is done has one; in a database it has no path.
      if (stopped.result === 'done') return [paint.good(`Done: ${rotation}`), `receipt: ${receipt ?? `keyturn show ${rotation} --receipt`}`]
      if (stopped.result === 'rolled-back') return [paint.warn(`Rolled back: ${rotation}; the old credential is in use.${because(stopped)}`), ...proof]
      if (stopped.result === 'superseded') return [paint.warn(`Superseded: ${rotation}. An emergency took its place: ${stopped.about ?? ''}`), CODES.SUPERSEDED.hint]
      return [paint.bad(`Refused, nothing was changed: ${rotation}.${because(stopped)}`), ...(stopped.code === undefined ? [] : [CODES[stopped.code].hint])]
    }
    case 'waiting':
      if (stopped.why === 'gate') return [paint.warn(`Held: ${stopped.about}`), `${CODES.GATE_HELD.hint} (keyturn resume ${rotation})`]
      return [`Waiting (${stopped.why === 'provider' || stopped.why === 'sealer' ? stopped.about : stopped.why}) until ${moment(stopped.until)}.`, `It goes on with \`keyturn run\` (or --once from cron), or \`keyturn resume ${rotation}\` then.`]
    case 'person':
      if (stopped.task) return [paint.warn(`Asked: ${stopped.about}`), `See \`keyturn task show ${rotation}\`; answer with \`keyturn task answer ${rotation}\`.`]
      return [paint.bad(`Paused: ${CODES[stopped.code].says}${stopped.about === '' ? '' : `: ${stopped.about}`}`), CODES[stopped.code].hint, `Then \`keyturn resume ${rotation}\`, or \`keyturn abort ${rotation}\`.`]
    case 'interrupted':
      return [`Stopped; everything so far is on disk. \`keyturn resume ${rotation}\` goes on.`]
  }
}

function because(stopped: Stopped & { is: 'closed' }): string {
  return stopped.code === undefined ? '' : ` Why: ${reason(stopped.code, stopped.about)}.`
}

/** The code in words, and what it is about. A rotation that somebody turned back did not fail: who asked for it says it all. */
function reason(code: Code, about = ''): string {
  if (about === '') return CODES[code].says
  return code === 'ROLLED_BACK' ? about : `${CODES[code].says}: ${about}`
}
