import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, done, unknown } from '../../kit/answer.ts'
import { type Call, type Host, type Ms, resourceKey } from '../../kit/call.ts'
import type { Consumer, Instance } from '../../kit/consumer.ts'
import { durationOf } from '../../kit/duration.ts'
import { isReady } from '../../outside/http/index.ts'
import { fillArgv, succeeded } from '../../outside/process/index.ts'
import { restartNotice } from './container.ts'
import type { ConsumerConfig } from './manifest.ts'
import { converse, folderOf, run, runnable } from './run.ts'

const POLL: Ms = 50

/**
 * Services that one command restarts, listed by their configured names. A command knows no processes: an id is a name, and a
 * service without a `ready` address is taken for ready. Its own `attest` sees nothing; name an attestor.
 */
export function openConsumer(config: ConsumerConfig, host: Host): Consumer {
  const { services } = config
  const title = config.name ?? services.join(', ')
  return {
    // A child that outlives its run is waited for by its lock, so nothing comes late.
    traits: { attest: 'none', reload: 'restart', takes: durationOf(config.takes), local: true },
    identity: () => resourceKey('consumer', 'command', folderOf(config, host), ...services.toSorted()),
    title: () => `command ${title}`,
    preflight: async () => {
      const found = await runnable([config.run], config, config.asks, host)
      const notice = restartNotice(config.run)
      return found.is === 'done' ? done({ notices: notice === undefined ? [] : [`${title}: ${notice}`] }) : found
    },
    instances: async (call) => done({ all: await list(config, call), complete: true }),
    reload: async (call) => {
      const argv = fillArgv(config.run, { services })
      const ended = config.asks === undefined
        ? succeeded(await run(argv, config, { quiet: true, effect: true }, host, call), title)
        : await converse(argv, config, config.asks, { fields: {}, plain: [] }, host, call)
      if (ended.is !== 'done') return ended
      const back = await untilReady(config, call)
      return back.is === 'done' ? done({ evidence: { exit: 0, took: ended.value.took } }) : back
    },
    attest: async () => done({ holds: 'unseen', by: 'inferred', evidence: {} }),
  }
}

function list({ services, ready = {} }: ConsumerConfig, call: Pick<Call, 'signal'>): Promise<readonly Instance[]> {
  return Promise.all(
    services.map(async (name) => {
      const url = ready[name]
      return { id: name, name, ready: url === undefined || (await isReady(url, call)) }
    }),
  )
}

async function untilReady(config: ConsumerConfig, call: Call): Promise<Answer<void>> {
  const limit = AbortSignal.any([call.signal, AbortSignal.timeout(durationOf(config.readyWithin))])
  for (;;) {
    const late = (await list(config, { signal: limit })).find(({ ready }) => !ready)
    if (late === undefined) return done(undefined)
    if (limit.aborted) return unknown(call.signal.aborted ? 'DEADLINE' : 'CONSUMER_UNREADY', late.name)
    await wait(POLL, undefined, { signal: limit }).catch(() => undefined)
  }
}
