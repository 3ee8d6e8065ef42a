import { KeyturnError } from '../kit/index.ts'
import { isEffect } from '../plan/step.ts'
import { mayLeave } from '../plan/steps.ts'
import type { TimedEvent } from './event.ts'
import { ENDED, inheritedKey, isDead } from './forgotten.ts'
import { nameOf } from './name.ts'
import { foldProgress, type Progress } from './progress.ts'
import { withoutWord } from './receivers.ts'
import { endedBy, type Forgetting, forgets, GATE_FRESH_MS, gateOf, isKnown, mayHave, mintsLost, newIdOf, other, pastReturn, stepOf, stepsOf } from './steps.ts'

/** A sentence that holds over every prefix of every journal. */
export interface Invariant {
  readonly id: string
  readonly says: string
  /** What breaks it, in words; undefined while it holds. Given the journal before the event, its fold, and the event. */
  readonly broken: (before: readonly TimedEvent[], progress: Progress, event: TimedEvent) => string | undefined
}

const isIntent = (event: TimedEvent): event is TimedEvent & { type: 'intent-recorded' } => event.type === 'intent-recorded'
const isOutcome = (event: TimedEvent): event is TimedEvent & { type: 'step-done' | 'step-refused' | 'step-asked' | 'step-absent' | 'step-unknown' } =>
  ['step-done', 'step-refused', 'step-asked', 'step-absent', 'step-unknown'].includes(event.type)

/** An intent to end a credential: `off` or `gone`, or to forget it in a store. */
function ending(progress: Progress, event: TimedEvent): Forgetting | undefined {
  if (!isIntent(event)) return undefined
  const step = stepOf(progress.plan, event.step)
  return forgets(step) ? step : undefined
}

/**
 * What is broken when a key is forgotten now: something that it signed may be alive, since an instance presented it until it was seen to
 * present the other one. Nothing was signed with a key that was never presented.
 */
function forgotten(progress: Progress, step: Forgetting, at: number): string | undefined {
  const { life } = progress.plan.timing.tokens ?? { life: 0 }
  if (step.do !== 'publish') return undefined
  const ended = endedBy(step)
  const moved = stepsOf(progress).filter((each) => each.do === 'attest' && each.which === other(ended) && each.beside === ended)
  if (moved.length === 0) return ended === 'old' ? `${step.id} before the other key was presented` : undefined
  const since = moved.map(({ id }) => progress.done.get(id)?.at ?? Infinity)
  return at - Math.max(...since) >= life ? undefined : `${step.id} while what the ${ended} key signed may be alive`
}

/** The credentials that an emergency ended with this entry, by their names. */
function endedAtOnce({ plan }: Progress, event: TimedEvent): string[] {
  if (event.type !== 'step-done' || stepOf(plan, event.step).do !== 'forget') return []
  return Object.keys(event.evidence).filter((key) => key.startsWith(ENDED)).map((key) => key.slice(ENDED.length))
}

/** A reload that another carried out counts only in one batch, on the way forward, and when what it was for was in every store before. */
function sharedWrongly(progress: Progress, { step, by }: TimedEvent & { type: 'reload-shared' }): string | undefined {
  const { member, direction, open, plan } = progress
  if (open !== undefined) return `${step} while ${open.step} is open`
  if (member === undefined || by === member.own || !member.batch.includes(by)) return `${step} by ${by}, which is not of its batch`
  const at = plan.steps.findIndex((each) => each.id === step)
  if (direction === 'back' || plan.steps[at]?.do !== 'reload') return `${step} is no reload on the way forward`
  const early = plan.steps.slice(0, at).find((each) => each.do === 'publish' && !progress.done.has(each.id))
  return early === undefined ? undefined : `${step} before ${early.id}`
}

/** The invariants of the design, as far as a journal shows them. Run over journals in tests, and at every event with KEYTURN_DEBUG. */
export const INVARIANTS: readonly Invariant[] = [
  {
    id: 'I1',
    says: 'no effect without an intent before it, no next step before its outcome, and nothing after the end',
    broken: (_, progress, event) => {
      if (progress.closed !== undefined) return `${event.type} after the rotation was closed`
      if (event.type === 'rotation-closed' && progress.open !== undefined && event.result !== 'superseded') return `closed while ${progress.open.step} is open`
      if (event.type === 'reload-shared') return sharedWrongly(progress, event)
      if (isIntent(event)) return progress.open === undefined ? undefined : `${event.step} begins while ${progress.open.step} is open`
      if (!isOutcome(event) || !isEffect(stepOf(progress.plan, event.step))) return progress.open !== undefined && isOutcome(event) ? `${event.step} while ${progress.open.step} is open` : undefined
      // What could not even be begun, for the resource is locked or the sealer away, had no effect.
      const unbegun = event.type === 'step-refused' && progress.open === undefined
      return unbegun || progress.open?.step === event.step ? undefined : `${event.step} has an outcome without an intent`
    },
  },
  {
    id: 'I2',
    says: 'an unknown is settled by looking, never by assuming',
    broken: (before, progress, event) => {
      if (!isOutcome(event) || event.type === 'step-unknown' || event.type === 'step-absent' || progress.open?.step !== event.step) return undefined
      // After the intent comes its outcome; with anything between them only a look can say what happened.
      const last = before.findLast((each) => isOutcome(each) || isIntent(each) || each.type === 'rotation-claimed')
      if (last === undefined || isIntent(last) || (event.type === 'step-done' && event.settled === true)) return undefined
      return `${event.step} became ${event.type.slice(5)} without a look`
    },
  },
  {
    id: 'I3',
    says: 'one tag per attempt, and no third mint after two of a made value got lost',
    broken: (before, progress, event) => {
      if (!isIntent(event)) return undefined
      if (before.some((each) => isIntent(each) && each.step === event.step && each.attempt >= event.attempt)) return `${event.step} repeats attempt ${event.attempt}`
      return mayLeave(progress.plan.traits) && event.step === 'mint' && mintsLost(progress) >= 2 ? 'a third mint after two that got lost' : undefined
    },
  },
  {
    id: 'I4',
    says: 'a failure never shortens the overlap and never ends the last credential that works',
    broken: (_, progress, event) => {
      if (event.type === 'step-done' && stepOf(progress.plan, event.step).do === 'wait') {
        return event.at < (progress.waits.get(event.step) ?? Infinity) ? `${event.step} is done before its time` : undefined
      }
      if (event.type === 'wait-started') return progress.waits.has(event.step) ? `${event.step} begins twice` : undefined
      const cut = endedAtOnce(progress, event)
      if (cut.length > 0) return mayHave(progress, 'mint') && cut.includes(newIdOf(progress) ?? '') ? `${event.type} ends the new credential` : undefined
      const step = ending(progress, event)
      if (step === undefined) return undefined
      if (endedBy(step) !== (progress.direction === 'forward' ? 'old' : 'new')) return `${step.id} ends the credential that stays`
      const alive = forgotten(progress, step, event.at)
      if (alive !== undefined || progress.direction === 'back') return alive
      const before = progress.plan.steps.slice(0, progress.plan.steps.findIndex((each) => each.id === step.id))
      const early = before.find((each) => each.do === 'wait' && !progress.done.has(each.id))
      return early === undefined ? undefined : `${step.id} before ${early.id} is over`
    },
  },
  {
    id: 'I5',
    says: 'only a recorded identity is ended, or turned on again',
    broken: (_, progress, event) => {
      const { current, takesBack } = progress.plan
      const fresh = newIdOf(progress)
      // On the way forward one is turned on only by a rotation that says which other one it takes back.
      const turnsOn = isIntent(event) && stepOf(progress.plan, event.step).do === 'set' && ending(progress, event) === undefined && progress.direction === 'forward'
      if (turnsOn && (takesBack === undefined || progress.plan.next === undefined)) return `${event.step} turns on what was not recorded`
      // Only what stood in the plan.
      const recorded = new Set([current?.id, ...(progress.plan.emergency?.inherits ?? []).map(({ id }) => id)].flatMap((id) => (id === undefined ? [] : [nameOf(id)])))
      const stranger = endedAtOnce(progress, event).find((id) => !recorded.has(id))
      if (stranger !== undefined) return `${event.type} ends ${stranger}, which the plan does not know`
      // What nobody else knows has no identity but its value: a store forgets it by that.
      return ending(progress, event)?.do === 'set' && (current === undefined || fresh === undefined || nameOf(current.id) === fresh) ? `${event.type} without two identities` : undefined
    },
  },
  {
    id: 'I6',
    says: 'the gate is evaluated again at the moment of ending',
    broken: (_, progress, event) => {
      const step = ending(progress, event)
      if (step === undefined) return undefined
      const gate = gateOf(progress, step)
      const opened = gate === undefined ? undefined : progress.done.get(gate.id)?.at
      if (gate === undefined) return undefined
      return opened !== undefined && event.at - opened <= GATE_FRESH_MS ? undefined : `${step.id} without a fresh gate`
    },
  },
  {
    id: 'I7',
    says: 'off before gone where the issuer can',
    broken: (_, progress, event) => {
      const step = ending(progress, event)
      if (step?.do !== 'set' || step.to !== 'gone' || !progress.plan.traits.ends.includes('off')) return undefined
      const list = progress.direction === 'forward' ? progress.plan.steps : progress.plan.back
      const off = list.find((each) => each.do === 'set' && each.to === 'off')
      return off !== undefined && progress.done.has(off.id) ? undefined : `${step.id} before off`
    },
  },
  {
    id: 'I8',
    says: 'done means proven in pairs, and every outside receiver by its own word',
    broken: (before, progress, event) => {
      const wordless = event.type === 'step-done' ? withoutWord(before, event.step) : []
      if (wordless.length > 0) return `${event.type === 'step-done' ? event.step : ''} is done without the word of ${wordless.join(', ')}`
      if (event.type !== 'rotation-closed') return undefined
      if (event.result === 'superseded') return undefined
      if (event.result === 'refused') return progress.intended.size === 0 ? undefined : 'closed as refused after something was changed'
      // What keyturn does not end (the provider does, in its own time) it does not prove dead; the receipt says so.
      if (!stepsOf(progress).some((step) => step.do === 'prove')) return undefined
      // A mint that was refused, or got lost, left no credential that could be shown.
      if (event.result === 'rolled-back' && !isKnown(progress)) return undefined
      const proof = [...progress.done].filter(([id]) => stepOf(progress.plan, id).do === 'prove').at(-1)?.[1].evidence
      const [kept, ended] = event.result === 'done' ? ['new', 'old'] : ['old', 'new']
      const alive = (event.result === 'done' ? (progress.plan.emergency?.inherits ?? []) : []).find((_inherited, index) => !isDead(proof?.[inheritedKey(index)]))
      if (alive !== undefined) return `closed as ${event.result} without proof that ${alive.id} is dead`
      return proof?.[kept ?? ''] === 'accepted' && proof[ended ?? ''] === 'rejected' ? undefined : `closed as ${event.result} without proof`
    },
  },
  {
    id: 'I9',
    says: 'the direction is journaled before its first step, and never turns forward again',
    broken: (before, progress, event) => {
      if (event.type === 'direction-turned' && pastReturn(progress) && progress.plan.emergency !== undefined) return 'back to what is compromised'
      if (event.type === 'direction-turned') return progress.direction === 'back' ? 'turned twice' : undefined
      if (event.type === 'rotation-closed' && event.result !== 'refused' && event.result !== 'superseded') {
        return (event.result === 'done') === (progress.direction === 'forward') ? undefined : `closed as ${event.result} on the way ${progress.direction}`
      }
      if (!isIntent(event) && !isOutcome(event)) return undefined
      const forward = progress.plan.steps.some((step) => step.id === event.step)
      if (before.some((each) => each.type === 'direction-turned')) return forward ? `${event.step} goes forward again` : undefined
      return forward ? undefined : `${event.step} goes back without a turn`
    },
  },
  {
    id: 'I10',
    says: 'fences grow, and every intent carries a deadline',
    broken: (before, _, event) => {
      if (isIntent(event)) return event.deadline > event.at ? undefined : `${event.step} has no time`
      if (event.type !== 'rotation-claimed') return undefined
      const last = before.findLast((each) => each.type === 'rotation-claimed')
      return last?.type === 'rotation-claimed' && last.fence >= event.fence ? 'a fence went back' : undefined
    },
  },
  {
    id: 'I11',
    says: 'evidence is numbers and short labels, never text from outside',
    broken: (_, __, event) => {
      const evidence = 'evidence' in event ? Object.entries(event.evidence ?? {}) : []
      const long = evidence.find(([name, value]) => name.length > 120 || (typeof value === 'string' && value.length > 120))
      return long === undefined ? undefined : `evidence ${long[0].slice(0, 20)} is too long to be a label`
    },
  },
  {
    id: 'I12',
    says: 'a check with a credential counts only after it has failed with a wrong one',
    broken: (_, progress, event) => {
      if (event.type !== 'step-done' || stepOf(progress.plan, event.step).do !== 'check') return undefined
      return progress.done.has('preflight') ? undefined : `${event.step} before the self-tests of preflight`
    },
  },
]

/** Every invariant that some prefix of the journal breaks, as `I6: off without a fresh gate (entry 17)`. Empty when all hold. */
export function brokenInvariants(events: readonly TimedEvent[]): string[] {
  const broken: string[] = []
  for (const [index, event] of events.entries()) {
    if (index === 0) continue
    const before = events.slice(0, index)
    const progress = foldProgress(before)
    for (const invariant of INVARIANTS) {
      const what = invariant.broken(before, progress, event)
      if (what !== undefined) broken.push(`${invariant.id}: ${what} (entry ${index + 1})`)
    }
  }
  return broken
}

/** Throws JOURNAL_BROKEN when the last event breaks an invariant: the debug mode, which stops before the next effect. */
export function assertInvariants(events: readonly TimedEvent[]): void {
  const last = events.at(-1)
  if (last === undefined || events.length === 1) return
  const before = events.slice(0, -1)
  const progress = foldProgress(before)
  for (const invariant of INVARIANTS) {
    const what = invariant.broken(before, progress, last)
    if (what !== undefined) throw new KeyturnError('JOURNAL_BROKEN', `${invariant.id}, ${invariant.says}: ${what}`)
  }
}
