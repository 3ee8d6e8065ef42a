import { z } from 'zod'
import { done, type Host, type Notifier } from '../../../src/kit/index.ts'
import { ask, placeOf } from './api.ts'
import type { NotifierConfig } from './manifest.ts'

/** Sends notices to a channel at Acme. A notice holds no value, so all of it may be shown. The laws are at `Notifier` in src/kit/notifier.ts. */
export function openNotifier(config: NotifierConfig, host: Host): Notifier {
  const path = `/channels/${encodeURIComponent(config.channel)}/messages`
  return {
    title: () => `acme ${placeOf(config.url)}/${config.channel}`,
    notify: async ({ title, ...notice }, call) => {
      // `id` is the same when a notice is sent again: the receiver drops what it has already. What is absent is left out of JSON.
      const body = { ...notice, text: title }
      const answer = await ask(config, { method: 'POST', path, body }, z.unknown(), host, call)
      return answer.is === 'done' ? done(undefined) : answer
    },
  }
}
