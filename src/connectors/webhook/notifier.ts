import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Notice, Notifier } from '../../kit/notifier.ts'
import type { Secret } from '../../kit/secret.ts'
import { placeOf, request } from '../../outside/http/index.ts'
import type { NotifierConfig } from './notifier-schema.ts'
import { outcomeOf } from './outcome.ts'
import { signatureOf } from './signature.ts'

/**
 * Posts notices as JSON, in the form of Standard Webhooks: `type`, `timestamp` and `data`, with the headers `webhook-id`,
 * `webhook-timestamp` and, when there is a key, `webhook-signature`. A receiver that takes it answers 2xx.
 */
export function openNotifier(config: NotifierConfig, host: Host): Notifier {
  const place = placeOf(config.url)
  return {
    title: () => `webhook ${place}`,
    notify: async (notice, call) => {
      const body = bodyOf(notice)
      const headers: Record<string, string | Secret> = { 'content-type': 'application/json', 'webhook-id': notice.id }
      // When it is sent, not when it happened: a receiver drops what is older than some minutes.
      const seconds = Math.floor(host.now() / 1000)
      headers['webhook-timestamp'] = String(seconds)
      try {
        for (const [name, text] of Object.entries(config.auth ?? {})) headers[name.toLowerCase()] = await host.resolve(text)
        const keys = await Promise.all([config.key ?? []].flat().map((key) => host.resolve(key)))
        // A receiver takes it when it knows one of the keys: so its own can be replaced without a notice that it cannot verify.
        if (keys.length > 0) headers['webhook-signature'] = keys.map((key) => signatureOf(key, notice.id, seconds, body)).join(' ')
      } catch (thrown) {
        if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
        throw thrown
      }
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(durationOf(config.timeout))])
      const answer = await request({ method: 'POST', url: config.url, headers, body }, { signal })
      return answer.is === 'done' ? delivered(outcomeOf(answer.value, { refusals: [] }, place)) : answer
    },
  }
}

function delivered(outcome: Answer<unknown>): Answer<void> {
  return outcome.is === 'done' ? done(undefined) : outcome
}

function bodyOf(notice: Notice): string {
  const { id: _, kind, at, ...data } = notice
  // Absent parts are left out of the JSON.
  return JSON.stringify({ type: kind, timestamp: new Date(at).toISOString(), data })
}
