import { ask, done, refused } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import type { Consumer, Instance } from '../../kit/consumer.ts'
import { durationOf } from '../../kit/duration.ts'
import { taskFrom } from '../../kit/task.ts'
import { isReady } from '../../outside/http/index.ts'
import type { ConsumerConfig } from './manifest.ts'

/**
 * Receivers that keyturn cannot reach: a person hands each the value, and each one's word that it took it is the proof. Nothing here
 * knows what they hold: an id is a name. Its own `attest` sees nothing; name an attestor where a receiver answers challenges.
 */
export function openConsumer(config: ConsumerConfig, _host: Host): Consumer {
  const { receivers, fields } = config
  const names = Object.keys(receivers)
  return {
    // Asking hands nothing over, so nothing comes late.
    traits: { attest: 'none', reload: 'graceful', takes: durationOf(config.takes), local: true, asks: true, receivers: true },
    identity: () => resourceKey('consumer', 'receivers', ...names.toSorted()),
    title: () => `outside receivers ${names.join(', ')}`,
    preflight: async () => done({ notices: [] }),
    instances: async (call) => {
      const all = Object.entries(receivers).map(async ([name, { ready }]): Promise<Instance> => ({ id: name, name, ready: ready === undefined || (await isReady(ready, call)) }))
      return done({ all: await Promise.all(all), complete: true })
    },
    reload: async (call, _pace, without = []) => {
      if (call.signal.aborted) return refused('DEADLINE', names.join(', '))
      const left = names.filter((name) => !without.includes(name))
      // Nobody is left who has to take the value.
      if (left.length === 0) return done({ evidence: { receivers: names.length } })
      const task = taskFrom('confirm', config, { title: `Hand the value over to ${left.join(', ')}`, steps: left.map((name) => stepFor(name, receivers[name])) })
      return ask({ ...task, receivers: left, ...(fields === undefined ? {} : { fields }) })
    },
    attest: async () => done({ holds: 'unseen', by: 'inferred', evidence: {} }),
  }
}

function stepFor(name: string, receiver: ConsumerConfig['receivers'][string] | undefined): string {
  return `${name}: hand it to ${receiver?.person ?? name}${receiver?.how === undefined ? '' : `, by ${receiver.how}`}; answer for it when it is in use there.`
}
