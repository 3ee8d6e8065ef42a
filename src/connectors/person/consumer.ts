import { ask, done, refused } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import type { Consumer, Instance } from '../../kit/consumer.ts'
import { durationOf } from '../../kit/duration.ts'
import { taskFrom } from '../../kit/task.ts'
import { isReady } from '../../outside/http/index.ts'
import type { ConsumerConfig } from './manifest.ts'
import { atPlace, goTo } from './place.ts'

/**
 * Services that a person redeploys, listed by their configured names. Nothing here knows what runs: an id is a name, and a service
 * without a `ready` address is taken for ready. Its own `attest` sees nothing; name an attestor.
 */
export function openConsumer(config: ConsumerConfig, _host: Host): Consumer {
  const { services, at, ready = {} } = config
  return {
    // Asking reloads nothing, so nothing comes late.
    traits: { attest: 'none', reload: 'restart', takes: durationOf(config.takes), local: true, asks: true },
    identity: () => resourceKey('consumer', 'person', at ?? '', ...services.toSorted()),
    title: () => `${services.join(', ')} by hand`,
    preflight: async () => done({ notices: [] }),
    instances: async (call) => {
      const all = services.map(async (name): Promise<Instance> => {
        const url = ready[name]
        return { id: name, name, ready: url === undefined || (await isReady(url, call)) }
      })
      return done({ all: await Promise.all(all), complete: true })
    },
    reload: async (call, _pace, without = []) => {
      if (call.signal.aborted) return refused('DEADLINE', services.join(', '))
      const names = services.filter((name) => !without.includes(name)).join(', ')
      // Nobody is left who has to take the value.
      if (names === '') return done({ evidence: { asked: 0 } })
      const words = { title: `Redeploy ${names}${atPlace(at)}`, steps: [...goTo(at), `Redeploy ${names}, so that it takes the value that the stores hold now.`, 'Wait until it runs again.'] }
      return ask(taskFrom('confirm', config, words))
    },
    attest: async () => done({ holds: 'unseen', by: 'inferred', evidence: {} }),
  }
}
