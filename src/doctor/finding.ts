import { type Answer, type Code, CODES, KeyturnError, reduceCause, type ResourceKey } from '../kit/index.ts'

/** What a finding is about, in the order in which they are shown. */
export const AREAS = ['version', 'identity', 'state', 'rotation', 'store', 'ledger', 'issuer', 'clock', 'consumer', 'check', 'due', 'notifier'] as const
export type Area = (typeof AREAS)[number]

/** One thing that was looked at. Names and numbers, never a value. */
export interface Finding {
  readonly area: Area
  /** The secret that it belongs to; absent for what all have in common. */
  readonly secret?: string
  /** The thing itself: a file, a store, an endpoint, a rotation. */
  readonly subject: string
  /** `problem`: a rotation would be refused, or could not be carried to its end. `warning`: it would not, and somebody should know. */
  readonly verdict: 'ok' | 'warning' | 'problem'
  /** Absent when it is ok. */
  readonly code?: Code
  /** What it means. */
  readonly says: string
  /** What to do next; absent when it is ok. */
  readonly hint?: string
}

/** What a look found before it is known to whom it belongs. */
export type Found = Omit<Finding, 'secret'>

/** A resource key for people: `postgres 127.0.0.1:5432 atlas`. */
export function readable(key: ResourceKey): string {
  return key.slice(key.indexOf(':') + 1).split('/').map(decodeURIComponent).join(' ')
}

/** All is well. */
export function fine(area: Area, subject: string, says: string): Found {
  return { area, subject, verdict: 'ok', says }
}

/** Something is not; `about` goes behind the words of the code, and `hint` takes the place of its own. */
export function finding(verdict: 'warning' | 'problem', area: Area, subject: string, code: Code, about = '', hint: string = CODES[code].hint): Found {
  const { says } = CODES[code]
  return { area, subject, verdict, code, says: about === '' ? says : `${says}: ${about}`, hint }
}

/** Something that a connector has somebody know. */
export function notice(area: Area, subject: string, text: string): Found {
  return { ...finding('warning', area, subject, 'NOTICE'), says: text }
}

/** What an answer that is not done stands for. */
export function unanswered(verdict: 'warning' | 'problem', area: Area, subject: string, answer: Exclude<Answer<unknown>, { is: 'done' }>): Found {
  if (answer.is === 'ask') return finding(verdict, area, subject, 'NOT_NOW', answer.task.title)
  return finding(verdict, area, subject, answer.code, answer.about)
}

/** What something thrown stands for. */
export function thrownAt(area: Area, subject: string, thrown: unknown): Found {
  if (thrown instanceof KeyturnError) return finding('problem', area, subject, thrown.code, thrown.about, thrown.hint)
  const { name, code } = reduceCause(thrown)
  return finding('problem', area, subject, 'INTERNAL', [name, code].filter(Boolean).join(' '))
}
