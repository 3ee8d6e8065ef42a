import { type Answer, done, refused, unknown } from '../kit/answer.ts'
import type { Notice } from '../kit/notifier.ts'
import type { HttpResponse } from './http/request.ts'

/** A notice for people, a line each: what it is about, what was seen, what to do, whom to ask. Holds no value, as a notice does not. */
export function noticeLines({ kind, severity, system, environment, secret, owner, rotation, facts, at, advice }: Notice): string[] {
  const about = [secret, owner === undefined ? undefined : `owner ${owner}`, rotation === undefined ? undefined : `rotation ${rotation}`].filter((part) => part !== undefined)
  return [
    `${system} (${environment})${about.length === 0 ? '' : `: ${about.join(', ')}`}`,
    `${kind}, ${severity}, ${new Date(at).toISOString().slice(0, 19)}Z`,
    ...Object.entries(facts).map(([name, value]) => `${name}: ${String(value)}`),
    ...(advice === undefined || advice.actions.length === 0 ? [] : ['What to do:', ...advice.actions.map((action, index) => `${index + 1}. ${action}`)]),
    ...(advice === undefined || advice.contacts.length === 0 ? [] : [`Whom to ask: ${advice.contacts.join('; ')}`]),
    ...(advice?.link === undefined ? [] : [advice.link]),
  ]
}

/**
 * What an answer of a receiver means: 2xx is delivered; 429 and 5xx pass by themselves; 401, 403, 404 and 410 say that the address or
 * the key is not right; any other 4xx that this very notice is never taken.
 */
export function deliveredBy({ status }: HttpResponse, about: string): Answer<void> {
  if (status >= 200 && status < 300) return done(undefined)
  if (status === 429) return refused('RATE_LIMITED', about, { status })
  if ([401, 403, 404, 410].includes(status)) return refused('NOTICE_REFUSED', about, { status })
  if (status >= 400 && status < 500 && status !== 408) return refused('REQUEST_REFUSED', about, { status })
  return unknown('SERVER_ERROR', about, { status })
}
