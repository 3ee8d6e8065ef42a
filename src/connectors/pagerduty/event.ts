import { hash } from 'node:crypto'
import type { Notice, Severity } from '../../kit/notifier.ts'
import { noticeLines } from '../../outside/notice.ts'
import type { NotifierConfig } from './manifest.ts'

/** What PagerDuty takes, without the key of the service. */
export interface PagerDutyEvent {
  readonly event_action: 'trigger' | 'acknowledge' | 'resolve'
  readonly dedup_key: string
  readonly payload?: object
  readonly links?: readonly { readonly href: string; readonly text: string }[]
  readonly client?: string
}

/** A summary has 1,024 characters, a key 255: developer.pagerduty.com, send an alert event. */
const SUMMARY = 1_024
const KEY = 255

const SEVERITIES: readonly Severity[] = ['info', 'warning', 'critical']

/**
 * The event that a notice is for PagerDuty; undefined when it is none: news that is less severe than wanted. There is one alert for each
 * secret, so that a later rotation that is done ends what an earlier one began; a notice about no secret is an alert by itself.
 */
export function eventOf(notice: Notice, least: NotifierConfig['least']): PagerDutyEvent | undefined {
  const { id, kind, severity, trouble, title, system, environment, secret, owner, rotation, facts, at, advice } = notice
  const dedup_key = keyOf(secret === undefined ? id : `keyturn/${system}/${environment}/${secret}`)
  if (trouble === 'taken') return { event_action: 'acknowledge', dedup_key }
  if (trouble === 'over') return { event_action: 'resolve', dedup_key }
  if (SEVERITIES.indexOf(severity) < SEVERITIES.indexOf(least)) return undefined
  return {
    event_action: 'trigger', dedup_key, client: 'keyturn',
    payload: {
      summary: cut(`${system} (${environment}): ${title}`), severity, source: `${system}/${environment}`, timestamp: new Date(at).toISOString(), class: kind,
      ...(secret === undefined ? {} : { component: secret }), ...(owner === undefined ? {} : { group: owner }),
      custom_details: { notice: id, ...(rotation === undefined ? {} : { rotation }), ...facts, about: noticeLines(notice) },
    },
    ...(advice?.link === undefined ? {} : { links: [{ href: advice.link, text: 'What to do' }] }),
  }
}

function keyOf(text: string): string {
  return text.length <= KEY ? text : hash('sha256', text)
}

function cut(text: string): string {
  return text.length > SUMMARY ? `${text.slice(0, SUMMARY - 1)}…` : text
}
