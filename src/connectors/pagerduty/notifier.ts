import { done, refused } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Notifier } from '../../kit/notifier.ts'
import { Secret } from '../../kit/secret.ts'
import { placeOf, request } from '../../outside/http/index.ts'
import { deliveredBy } from '../../outside/notice.ts'
import { eventOf } from './event.ts'
import type { NotifierConfig } from './manifest.ts'

/** Sends notices as events to one service of PagerDuty. 202 is delivered: whom it pages is PagerDuty's to say. */
export function openNotifier(config: NotifierConfig, host: Host): Notifier {
  const place = placeOf(config.url)
  return {
    title: () => `pagerduty ${place}`,
    notify: async (notice, call) => {
      const event = eventOf(notice, config.least)
      if (event === undefined) return done(undefined)
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(durationOf(config.timeout))])
      let body: Secret
      try {
        const key = await host.resolve(config.key)
        host.conceal(key)
        body = new Secret(JSON.stringify({ routing_key: key.reveal(), ...event }))
      } catch (thrown) {
        if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
        throw thrown
      }
      const answer = await request({ method: 'POST', url: config.url, headers: { 'content-type': 'application/json' }, body }, { signal })
      return answer.is === 'done' ? deliveredBy(answer.value, place) : answer
    },
  }
}
