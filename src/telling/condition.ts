import type { Code, Notice } from '../kit/index.ts'
import type { Kind } from './kind.ts'

/** What a notice is a sign of: what people escalate by, over several kinds. Pure. */
type Condition = (notice: Notice) => boolean

const FAILED: readonly Kind[] = ['rotation-paused', 'rotation-turned', 'rotation-rolled-back']
const REJECTED: readonly Code[] = ['CREDENTIAL_REJECTED', 'CHECK_FAILED']
const BROKEN: readonly Code[] = ['CONSUMER_STALE', 'CONSUMER_UNREADY', 'CONSUMER_MISSING', 'CHECK_FAILED']
const STUCK: readonly Kind[] = ['rotation-paused', 'rotation-rolled-back', 'rotation-refused', 'rotation-held', 'rotation-left']
const LEAKED: readonly Kind[] = ['emergency-opened', 'incident-open', 'secret-compromised']
const BY_ITSELF: readonly Kind[] = ['rotation-unbegun', 'secret-overdue']

/** The conditions that routes and escalations may name beside kinds. */
export const CONDITIONS = {
  leak: (notice) => isOneOf(LEAKED, notice.kind),
  'auth-failures': (notice) => isOneOf(FAILED, notice.kind) && isOneOf(REJECTED, notice.facts['code']),
  'connections-broken': (notice) => isOneOf(FAILED, notice.kind) && isOneOf(BROKEN, notice.facts['code']),
  'auto-rotation-failed': (notice) => isOneOf(BY_ITSELF, notice.kind) || (isOneOf(STUCK, notice.kind) && (notice.facts['scheduled'] === true || notice.facts['strategy'] === 'provider-managed')),
} as const satisfies Readonly<Record<string, Condition>>

/** What each of them means, for people. */
export const CONDITION_MEANS: Readonly<Record<keyof typeof CONDITIONS, string>> = {
  leak: 'a secret is marked as compromised, or ended by `keyturn emergency`; and its incident until it is closed',
  'auth-failures': 'a rotation stands still or goes back because the new credential is rejected or a check fails',
  'connections-broken': 'the same because a consumer does not take the new value, is not ready again, or a check fails',
  'auto-rotation-failed': 'a rotation that the schedule began, or the provider carries out, does not get to its end, or cannot begin; or a secret is overdue',
}

/** Whether a word of a route, a kind or a condition, is true of a notice. */
export function isSaidOf(word: string, notice: Notice): boolean {
  const condition: Condition | undefined = Object.hasOwn(CONDITIONS, word) ? CONDITIONS[word as keyof typeof CONDITIONS] : undefined
  return condition === undefined ? word === notice.kind : condition(notice)
}

function isOneOf(list: readonly string[], word: unknown): boolean {
  return typeof word === 'string' && list.includes(word)
}
