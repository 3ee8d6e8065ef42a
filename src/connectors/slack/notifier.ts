import { type Answer, refused } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Notifier } from '../../kit/notifier.ts'
import type { Secret } from '../../kit/secret.ts'
import { request } from '../../outside/http/index.ts'
import { deliveredBy } from '../../outside/notice.ts'
import type { NotifierConfig } from './manifest.ts'
import { messageOf } from './message.ts'

/** Posts notices to the channel of an incoming webhook. Its URL is a secret; messages name only its host. */
export function openNotifier(config: NotifierConfig, host: Host): Notifier {
  return {
    title: () => 'slack',
    notify: async (notice, call) => {
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(durationOf(config.timeout))])
      const url = await urlOf(config, host)
      if (url.is !== 'done') return url
      const answer = await request({ method: 'POST', url: url.value.reveal(), headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(messageOf(notice)) }, { signal })
      return answer.is === 'done' ? deliveredBy(answer.value, 'the webhook of Slack') : answer
    },
  }
}

async function urlOf({ url }: NotifierConfig, host: Host): Promise<Answer<Secret>> {
  try {
    const value = await host.resolve(url)
    host.conceal(value)
    return { is: 'done', value }
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    throw thrown
  }
}
