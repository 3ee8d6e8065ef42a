import { type Code, CODES, type Notice } from '../kit/index.ts'
import type { Undelivered } from '../operations/notify.ts'
import { type Fate, fateOf, type Kept } from '../outbox/outbox.ts'
import { moment } from './duration.ts'
import type { Paint } from './paint.ts'

/** One notice for one notifier, as `notify list --json` gives it. */
export interface NoticeDocument {
  readonly id: string
  readonly notifier: string
  readonly state: Fate
  readonly kind: string
  readonly severity: Notice['severity']
  readonly title: string
  readonly secret?: string
  readonly rotation?: string
  /** When it happened, ISO 8601. */
  readonly at: string
  readonly tries: number
  /** When it arrived. */
  readonly sent?: string
  /** When it is tried next. */
  readonly next?: string
  /** Why it has not arrived. */
  readonly code?: string
}

/** A kept notice for scripts. */
export function noticeDocument(kept: Kept): NoticeDocument {
  const { kind, severity, title, secret, rotation, at } = JSON.parse(kept.body) as Notice
  return {
    id: kept.id, notifier: kept.notifier, state: fateOf(kept), kind, severity, title, ...(secret === undefined ? {} : { secret }), ...(rotation === undefined ? {} : { rotation }),
    at: moment(at), tries: kept.tries, ...(kept.sent_at === null ? {} : { sent: moment(kept.sent_at) }), ...(kept.due_at === null ? {} : { next: moment(kept.due_at) }),
    ...(kept.code === null ? {} : { code: kept.code }),
  }
}

/** The outbox for people, newest first. */
export function noticeLines(notices: readonly NoticeDocument[], paint: Paint): string[] {
  if (notices.length === 0) return ['Nobody was told anything yet.']
  const wide = Math.max(...notices.map(({ notifier }) => notifier.length))
  return notices.flatMap(({ state, notifier, at, kind, title, next, code, tries }) => [
    `${at}  ${colour(state, paint)(state.padEnd(8))}  ${notifier.padEnd(wide)}  ${paint.strong(kind)}  ${title}`,
    ...(code === undefined ? [] : [`  ${paint.dim(`${code} ${saysOf(code)}, tried ${tries} ${tries === 1 ? 'time' : 'times'}${next === undefined ? '' : `, again ${next}`}`)}`]),
  ])
}

/** What did not arrive, for `status`: a line for each notifier, and what to do. */
export function undeliveredLines(list: readonly Undelivered[], paint: Paint): string[] {
  if (list.length === 0) return []
  return [
    ...list.map(({ notifier, failing, givenUp, code }) => paint.warn(`${notifier} is not told: ${[...(failing === 0 ? [] : [`${failing} to be sent again`]), ...(givenUp === 0 ? [] : [`${givenUp} given up`])].join(', ')} (${code} ${saysOf(code)})`)),
    paint.dim('See `keyturn notify list`; `keyturn notify test NAME` tries a notifier.'),
  ]
}

function saysOf(code: string): string {
  return Object.hasOwn(CODES, code) ? CODES[code as Code].says : ''
}

function colour(state: Fate, paint: Paint): (text: string) => string {
  if (state === 'sent') return paint.good
  return state === 'given-up' ? paint.bad : paint.warn
}
