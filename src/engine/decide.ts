import type { Code } from '../kit/index.ts'
import { isOneWay, mayLeave, overlaps } from '../plan/steps.ts'
import type { Step, Why } from '../plan/step.ts'
import { foldProgress, type Progress, type Trouble } from '../journal/progress.ts'
import { forgets, GATE_FRESH_MS, gateOf, mintsLost, pastReturn, stepOf, stepsOf } from '../journal/steps.ts'
import type { Result, TimedEvent } from '../journal/event.ts'

/** What to do next. */
export type Next =
  /** An effect: write the intent, act, write the outcome. Or a look: act, write what was seen. */
  | { readonly do: 'attempt'; readonly step: Step; readonly attempt: number }
  /** Look whether an effect of which no outcome is known happened; before `notLateAfter` "no" only means "not yet". */
  | { readonly do: 'settle'; readonly step: Step; readonly attempt: number; readonly notLateAfter: number }
  /** Write down a wait. */
  | { readonly do: 'begin-wait'; readonly step: Step; readonly until: number }
  /** Nothing to do before this time. */
  | { readonly do: 'sleep'; readonly until: number; readonly why: Why | 'gate' | 'provider' | 'retry'; readonly step: Step }
  | { readonly do: 'turn'; readonly code: Code; readonly about: string }
  /** Tell again that a task is not done. */
  | { readonly do: 'remind'; readonly step: Step }
  | { readonly do: 'pause'; readonly step: Step; readonly code: Code; readonly about: string }
  /** A person has to look: nothing happens until somebody resumes or aborts. */
  | { readonly do: 'stay'; readonly code: Code; readonly about: string }
  | { readonly do: 'close'; readonly result: Result; readonly code?: Code; readonly about?: string }
  | { readonly do: 'finished' }

/** Refusals and silences that pass by themselves: a restart, a full queue, a network that comes back. */
export const PASSING: ReadonlySet<Code> = new Set<Code>(['UNREACHABLE', 'DEADLINE', 'SERVER_ERROR', 'RATE_LIMITED', 'CONFLICT', 'LOCKED', 'OLD_STILL_ON'])

/** How long a passing trouble is tried again before a person is called: longer than a restart or a short outage. */
export const PATIENCE_MS = 300_000

/** The clock may go back by this much (a leap, a correction) without meaning anything. */
const CLOCK_SLACK_MS = 2_000

/** So many mints of a value that the provider makes may get lost. */
const MINTS_LOST = 2

/** Before the n-th new try of a passing trouble: half a second, doubling up to ten. */
export function backoff(times: number): number {
  return Math.min(10_000, 500 * 2 ** Math.min(times - 1, 10))
}

/**
 * The whole engine in one pure function: from a journal and the time to what happens next. It has no memory: a worker that was
 * killed anywhere is replaced by another that reads the same events and decides the same.
 */
export function decide(events: readonly TimedEvent[], now: number): Next {
  return decideFrom(foldProgress(events), now)
}

/** {@link decide} on a journal that is folded already. */
export function decideFrom(progress: Progress, now: number): Next {
  if (progress.closed !== undefined) return { do: 'finished' }
  if (progress.open !== undefined) return settleOpen(progress, progress.open, now)
  if (progress.turnRequested !== undefined && progress.direction === 'forward' && !pastReturn(progress)) {
    return { do: 'turn', code: 'ROLLED_BACK', about: `${progress.turnRequested.why} requested by ${progress.turnRequested.by}` }
  }
  if (progress.paused !== undefined) return stayOrRemind(progress, progress.paused, now)
  const step = stepsOf(progress).find((each) => !progress.done.has(each.id))
  if (step === undefined) return closeAtEnd(progress)
  if (progress.held !== undefined && progress.held.step !== step.id && now < progress.held.retryAt) return untilRetry(progress.held, step)
  const { trouble } = progress
  if (trouble !== undefined && (trouble.step === step.id || trouble.step === staleGate(progress, step, now)?.id)) {
    return afterTrouble(progress, stepOf(progress.plan, trouble.step), trouble, now)
  }
  if (step.do === 'wait') return clockBehind(progress, step, now) ?? waitFor(progress, step, now)
  if (progress.held?.step === step.id && now < progress.held.retryAt) return untilRetry(progress.held, step)
  return attempt(progress, step, now)
}

function untilRetry({ retryAt }: NonNullable<Progress['held']>, step: Step): Next {
  return { do: 'sleep', until: retryAt, why: step.do === 'collect' ? 'provider' : 'gate', step }
}

function stayOrRemind({ asked, plan }: Progress, paused: NonNullable<Progress['paused']>, now: number): Next {
  if (asked !== undefined && now >= asked.remindAt) return { do: 'remind', step: stepOf(plan, asked.step) }
  return { do: 'stay', code: paused.code, about: paused.about }
}

/** Every attempt, the first and each that follows a trouble, passes here: on a wrong clock or an old gate nothing is ended. */
function attempt(progress: Progress, step: Step, now: number): Next {
  const wrong = clockBehind(progress, step, now)
  if (wrong !== undefined) return wrong
  // Each lost one may still turn up at the provider: a third would be one more to find and end (I3).
  if (step.do === 'mint' && progress.direction === 'forward' && mayLeave(progress.plan.traits) && mintsLost(progress) >= MINTS_LOST) {
    const why = { code: progress.trouble?.code ?? 'DEADLINE', about: 'two mints got no answer' } as const
    return progress.plan.emergency === undefined ? { do: 'turn', ...why } : { do: 'pause', step, ...why }
  }
  const due = staleGate(progress, step, now) ?? step
  return { do: 'attempt', step: due, attempt: (progress.attempts.get(due.id) ?? 0) + 1 }
}

/** A wait that begins on a clock that is behind would be over too early once the clock is right again (I4). */
function clockBehind(progress: Progress, step: Step, now: number): Next | undefined {
  if ((step.phase !== 'forget' && step.do !== 'wait') || now >= progress.lastAt - CLOCK_SLACK_MS) return undefined
  return { do: 'pause', step, code: 'CLOCK_WRONG', about: 'the clock is behind the last entry of the journal' }
}

/** The gate before an ending that was opened too long ago to count for it: it is evaluated again at that very moment (I6). */
function staleGate(progress: Progress, step: Step, now: number): Step | undefined {
  if (!forgets(step)) return undefined
  const gate = gateOf(progress, step)
  const opened = gate === undefined ? undefined : progress.done.get(gate.id)?.at
  return opened !== undefined && now - opened > GATE_FRESH_MS / 2 ? gate : undefined
}

function settleOpen(progress: Progress, open: NonNullable<Progress['open']>, now: number): Next {
  const step = stepOf(progress.plan, open.step)
  const trouble = progress.trouble?.step === step.id ? progress.trouble : undefined
  if (progress.paused !== undefined) return { do: 'stay', code: progress.paused.code, about: progress.paused.about }
  // Looking got no answer either: again after a while, and at last a person is told; an unknown is never assumed away.
  if (trouble !== undefined && trouble.times > 1 && now - trouble.since >= PATIENCE_MS) return { do: 'pause', step, code: trouble.code, about: trouble.about }
  if (trouble !== undefined && trouble.times > 1 && now < trouble.at + backoff(trouble.times)) {
    return { do: 'sleep', until: trouble.at + backoff(trouble.times), why: 'retry', step }
  }
  return { do: 'settle', step, attempt: open.attempt, notLateAfter: open.deadline + progress.plan.traits.settle }
}

function waitFor(progress: Progress, step: Step & { do: 'wait' }, now: number): Next {
  const until = progress.waits.get(step.id)
  if (until === undefined) return { do: 'begin-wait', step, until: now + step.for }
  return now < until ? { do: 'sleep', until, why: step.why, step } : attempt(progress, step, now)
}

function closeAtEnd(progress: Progress): Next {
  if (progress.direction === 'forward') return { do: 'close', result: 'done' }
  return { do: 'close', result: 'rolled-back', ...progress.turned }
}

function afterTrouble(progress: Progress, step: Step, trouble: Trouble, now: number): Next {
  const { code, about } = trouble
  // What a person is asked before anything is changed is waited for like any other task.
  if (step.do === 'preflight' && trouble.is !== 'asked' && progress.begun.size === 0) return { do: 'close', result: 'refused', code, about }
  const passing = trouble.is !== 'asked' && PASSING.has(code)
  if (passing && now - trouble.since < PATIENCE_MS && !pressing(progress, step)) {
    const until = trouble.at + backoff(trouble.times)
    return now < until ? { do: 'sleep', until, why: 'retry', step } : attempt(progress, step, now)
  }
  if (progress.direction === 'forward' && !pastReturn(progress) && turnsBack(progress, step, trouble)) return { do: 'turn', code, about }
  return { do: 'pause', step, code, about }
}

/** While old and new do not overlap users wait: a store or a consumer that does not take the new value is not waited for. */
function pressing(progress: Progress, step: Step): boolean {
  return progress.direction === 'forward' && !overlaps(progress.plan) && step.phase === 'present' && progress.plan.emergency === undefined
}

/**
 * Whether a failure turns the rotation back by itself: when it was refused before anything was presented, when there is no overlap
 * to wait in, or when the new credential is rejected while the old one is accepted. Everything else may be an unrelated outage,
 * which is no reason to restart things: a person is told.
 */
function turnsBack(progress: Progress, step: Step, trouble: Trouble): boolean {
  // To be asked is no failure; to be declined is one. And what is compromised nobody goes back to.
  if (trouble.is === 'asked' || progress.plan.emergency !== undefined) return false
  if (step.do === 'mint' || (step.do === 'set' && step.to === 'on')) return trouble.is === 'refused'
  // In the undo window somebody holds the old credential again.
  if (step.do === 'wait') return true
  if (!overlaps(progress.plan) && step.phase === 'present') return !isOneWay(progress.plan)
  // After the old one was turned off it is rejected as well, by our own doing: then going back begins with turning it on again.
  return trouble.evidence['new'] === 'rejected' && (trouble.evidence['old'] === 'accepted' || step.do === 'prove')
}
