import type { Code, Evidence, TaskRequest } from '../kit/index.ts'
import type { Plan } from '../plan/plan.ts'
import { isEffect } from '../plan/step.ts'
import { dueOf, isDoneBy } from './asked.ts'
import type { Direction, Membership, Result, TimedEvent } from './event.ts'
import { heard, openReceivers, type Receivers } from './receivers.ts'
import { brings, stepOf } from './steps.ts'

/** The failures of the step at hand since it last began or was resumed. */
export interface Trouble {
  readonly step: string
  readonly is: 'refused' | 'unknown' | 'asked'
  readonly code: Code
  readonly about: string
  readonly evidence: Evidence
  /** How many in a row, when the first and the last was. */
  readonly times: number
  readonly since: number
  readonly at: number
}

/** What is acknowledged when a person answers for the clock. */
export const CLOCK = 'clock'

/** What is acknowledged when a person answers for it that nobody uses what is ended, though the issuer does not show it. */
export const USAGE = 'usage'

/** Where a rotation stands: a pure fold of its journal. */
export interface Progress {
  readonly plan: Plan
  readonly openedAt: number
  /** Its own id, and with what it was begun; absent for one that was begun by itself. */
  readonly member?: Membership & { readonly own: string }
  /** Those that its reloads serve as well; absent before its barrier. */
  readonly serves?: readonly string[]
  /** A person had it go on though another of its batch had not come through. */
  readonly regardless?: true
  readonly direction: Direction
  /** Why it goes back. */
  readonly turned?: { readonly code: Code; readonly about: string }
  /** Ids of steps that are done, with what was seen and when. */
  readonly done: ReadonlyMap<string, { readonly at: number; readonly evidence: Evidence }>
  /** Ids of effects that were ever intended, with when first: they may have happened. */
  readonly intended: ReadonlyMap<string, number>
  /** Those of them that may have happened: not the ones of which every attempt was refused, which is certainly no effect (I2). */
  readonly begun: ReadonlySet<string>
  /** How often each step was attempted. */
  readonly attempts: ReadonlyMap<string, number>
  /** How often an effect got no answer and was not to be seen either when it was looked up. */
  readonly lost: ReadonlyMap<string, number>
  /**
   * An intent whose outcome is not known; `first` when nothing before it may have happened, `ownerGone` when the very process that
   * wrote it certainly does not exist any more.
   */
  readonly open?: { readonly step: string; readonly attempt: number; readonly deadline: number; readonly tag: string; readonly first: boolean; readonly fence: number; readonly ownerGone: boolean }
  readonly trouble?: Trouble
  readonly waits: ReadonlyMap<string, number>
  readonly held?: { readonly step: string; readonly reasons: readonly string[]; readonly retryAt: number }
  /** When the gate at hand was last held by an instance that proved to hold another credential than the one that stays. */
  readonly staleAt?: number
  /** The label of the new credential's id (see name.ts), as soon as it has one. */
  readonly newId?: string
  /** By what was acknowledged: who answers for it. */
  readonly acknowledged: ReadonlyMap<string, string>
  /** Titles of what people confirmed before anything was changed: that is not asked again. */
  readonly confirmed: ReadonlySet<string>
  /** By step that reloads outside receivers: what became of the value at each. */
  readonly receivers: ReadonlyMap<string, Receivers>
  /** The task at hand: when it was asked, by when it is to be done, when people are told again. */
  readonly asked?: { readonly step: string; readonly attempt: number; readonly task: TaskRequest; readonly at: number; readonly dueAt: number; readonly remindAt: number }
  readonly turnRequested?: { readonly why: 'abort' | 'undo'; readonly by: string }
  readonly paused?: { readonly step: string; readonly code: Code; readonly about: string }
  readonly closed?: { readonly result: Result; readonly code?: Code; readonly about?: string; readonly at: number }
  /** The latest time in the journal, since somebody asked to turn if somebody did. */
  readonly lastAt: number
  /** What became of the owner before the present one. */
  readonly predecessor: 'none' | 'dead' | 'expired'
  /** Of the present owner; 0 before the first. */
  readonly fence: number
}

type Draft = { -readonly [K in keyof Progress]: Progress[K] } & {
  done: Map<string, { at: number; evidence: Evidence }>
  intended: Map<string, number>
  begun: Set<string>
  attempts: Map<string, number>
  lost: Map<string, number>
  waits: Map<string, number>
  acknowledged: Map<string, string>
  confirmed: Set<string>
  receivers: Map<string, Receivers>
}

/** Folds a journal. Throws on one that does not begin with `rotation-opened`. */
export function foldProgress(events: readonly TimedEvent[]): Progress {
  const first = events[0]
  if (first?.type !== 'rotation-opened') throw new TypeError('a journal begins with rotation-opened')
  const draft: Draft = {
    plan: first.plan,
    openedAt: first.at,
    ...(first.member === undefined ? {} : { member: { ...first.member, own: first.rotation } }),
    direction: 'forward',
    done: new Map(),
    intended: new Map(),
    begun: new Set(),
    attempts: new Map(),
    lost: new Map(),
    waits: new Map(),
    acknowledged: new Map(),
    confirmed: new Set(),
    receivers: new Map(),
    lastAt: first.at,
    predecessor: 'none',
    fence: 0,
  }
  for (const event of events) apply(draft, event)
  return draft
}

/** The fold of one event more; the one before stays as it is. */
export function advance(progress: Progress, event: TimedEvent): Progress {
  const draft: Draft = {
    ...progress,
    done: new Map(progress.done),
    intended: new Map(progress.intended),
    begun: new Set(progress.begun),
    attempts: new Map(progress.attempts),
    lost: new Map(progress.lost),
    waits: new Map(progress.waits),
    acknowledged: new Map(progress.acknowledged),
    confirmed: new Set(progress.confirmed),
    receivers: new Map(progress.receivers),
  }
  apply(draft, event)
  return draft
}

function apply(draft: Draft, event: TimedEvent): void {
  draft.lastAt = Math.max(draft.lastAt, event.at)
  switch (event.type) {
    case 'rotation-opened':
      return
    case 'rotation-claimed':
      draft.predecessor = event.predecessor
      // The one before is gone, which says nothing of the one before that.
      if (draft.open !== undefined && event.predecessor === 'dead' && draft.open.fence === draft.fence) draft.open = { ...draft.open, ownerGone: true }
      draft.fence = event.fence
      return
    case 'intent-recorded':
      if (event.id !== undefined) draft.newId = event.id
      if (!draft.intended.has(event.step)) draft.intended.set(event.step, event.at)
      draft.attempts.set(event.step, event.attempt)
      draft.open = { step: event.step, attempt: event.attempt, deadline: event.deadline, tag: event.tag, first: !draft.begun.has(event.step), fence: draft.fence, ownerGone: false }
      draft.begun.add(event.step)
      return
    case 'step-done':
      if (brings(draft.plan, stepOf(draft.plan, event.step)) && typeof event.evidence['id'] === 'string') draft.newId = event.evidence['id']
      draft.done.set(event.step, { at: event.at, evidence: event.evidence })
      settle(draft)
      // A gate that is evaluated again before an ending does not make the ending's own trouble new.
      if (draft.trouble?.step === event.step) delete draft.trouble
      delete draft.held
      return
    case 'step-absent':
      draft.lost.set(event.step, (draft.lost.get(event.step) ?? 0) + 1)
      settle(draft)
      return
    case 'step-refused':
      withdraw(draft, event.step)
      settle(draft)
      draft.trouble = { ...nextTrouble(draft, event.step, event.at), is: 'refused', code: event.code, about: event.about ?? '', evidence: event.evidence ?? {} }
      return
    case 'step-unknown':
      // An effect stays open until it is settled by looking; a look that got no answer is simply looked again.
      draft.trouble = { ...nextTrouble(draft, event.step, event.at), is: 'unknown', code: event.code, about: event.about ?? '', evidence: event.evidence ?? {} }
      return
    case 'step-asked':
      withdraw(draft, event.step)
      settle(draft)
      draft.trouble = { ...nextTrouble(draft, event.step, event.at), is: 'asked', code: 'NOT_NOW', about: event.task.title, evidence: {} }
      draft.asked = { step: event.step, attempt: event.attempt, task: event.task, at: event.at, dueAt: event.at + dueOf(event.task), remindAt: event.at + dueOf(event.task) }
      return
    case 'task-reminded':
      if (draft.asked !== undefined) draft.asked = { ...draft.asked, remindAt: event.at + dueOf(draft.asked.task) }
      return
    case 'task-answered':
      if (isDoneBy(stepOf(draft.plan, event.step), draft.asked?.task)) {
        draft.done.set(event.step, { at: event.at, evidence: { answered: event.by } })
        if (event.id !== undefined) draft.newId = event.id
        if (isEffect(stepOf(draft.plan, event.step))) draft.begun.add(event.step)
      } else if (stepOf(draft.plan, event.step).do === 'preflight' && draft.asked?.task.kind === 'confirm') {
        draft.confirmed.add(draft.asked.task.title)
      }
      wake(draft)
      return
    case 'value-handed':
    case 'receiver-acknowledged': {
      draft.receivers.set(event.step, heard(draft.receivers.get(event.step), event))
      if (event.type === 'value-handed' || draft.asked?.step !== event.step) return
      const receivers = openReceivers(draft.asked.task, draft.receivers.get(event.step))
      if (receivers.length === 0) wake(draft)
      else draft.asked = { ...draft.asked, task: { ...draft.asked.task, receivers } }
      return
    }
    case 'task-declined':
      delete draft.paused
      delete draft.asked
      draft.trouble = { ...nextTrouble(draft, event.step, event.at), is: 'refused', code: 'DECLINED', about: event.reason, evidence: {} }
      return
    case 'wait-started':
      draft.waits.set(event.step, event.until)
      return
    case 'gate-held':
      // It gave an answer: what kept it from giving one before is over.
      if (draft.trouble?.step === event.step) delete draft.trouble
      if (event.stale === true) draft.staleAt = event.at
      draft.held = { step: event.step, reasons: event.reasons, retryAt: event.retryAt }
      return
    case 'turn-requested':
      draft.turnRequested = { why: event.why, by: event.by }
      // Who turns back has looked: a clock that was ahead for a while must not keep the way back closed until it is caught up with.
      draft.lastAt = event.at
      delete draft.paused
      delete draft.trouble
      return
    case 'direction-turned':
      draft.direction = 'back'
      draft.turned = { code: event.code, about: event.about }
      delete draft.staleAt
      wake(draft)
      return
    case 'rotation-paused':
      draft.paused = { step: event.step, code: event.code, about: event.about }
      return
    case 'barrier-passed':
      draft.serves = event.with
      return
    case 'reload-shared':
      draft.done.set(event.step, { at: event.at, evidence: { reloadedBy: event.by } })
      return
    case 'rotation-resumed':
      if (draft.paused?.code === 'CAMPAIGN_STOPPED') draft.regardless = true
      wake(draft)
      return
    case 'acknowledged':
      draft.acknowledged.set(event.what, event.by)
      if (event.what === CLOCK) trustClock(draft, event.at)
      wake(draft)
      return
    case 'rotation-closed':
      draft.closed = { result: event.result, at: event.at, ...(event.code === undefined ? {} : { code: event.code }), ...(event.about === undefined ? {} : { about: event.about }) }
  }
}

/**
 * Who answers for the clock has looked at it: it was ahead before. A wait that was over only by that clock goes on, one that began on
 * it begins anew (I4), and a gate that it opened is evaluated again (I6). What else was done later than now was done by now.
 */
function trustClock(draft: Draft, at: number): void {
  draft.lastAt = at
  for (const [id, until] of draft.waits) {
    const step = stepOf(draft.plan, id)
    if (until > at) draft.done.delete(id)
    if (step.do === 'wait' && until - step.for > at) draft.waits.delete(id)
  }
  for (const [id, seen] of draft.done) {
    if (seen.at <= at) continue
    if (stepOf(draft.plan, id).do === 'gate') draft.done.delete(id)
    else draft.done.set(id, { ...seen, at })
  }
  for (const [id, since] of draft.intended) draft.intended.set(id, Math.min(since, at))
}

/** What kept it from going on is over, or is to be looked at afresh: a task that still stands is asked again. */
function wake(draft: Draft): void {
  delete draft.paused
  delete draft.trouble
  delete draft.held
  delete draft.asked
}

/** A refusal says that this attempt had no effect; one before it may have had. */
function withdraw(draft: Draft, step: string): void {
  if (draft.open?.step === step && draft.open.first) draft.begun.delete(step)
}

function settle(draft: Draft): void {
  delete draft.open
}

function nextTrouble(draft: Draft, step: string, at: number): { step: string; times: number; since: number; at: number } {
  const before = draft.trouble?.step === step ? draft.trouble : undefined
  return { step, times: (before?.times ?? 0) + 1, since: before?.since ?? at, at }
}
