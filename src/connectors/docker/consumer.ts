import { realpathSync } from 'node:fs'
import { done, refused } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import type { Consumer } from '../../kit/consumer.ts'
import { durationOf } from '../../kit/duration.ts'
import { attestInside } from './attest.ts'
import { openEngine } from './engine.ts'
import type { ConsumerConfig } from './manifest.ts'
import { instanceOf, isReady, markOf } from './replicas.ts'
import { serviceTarget } from './service.ts'
import { singleTarget } from './single.ts'
import type { Target } from './target.ts'

/** Containers that are replaced by new ones with the environment of now, one after the other, each behind its health check. */
export function openConsumer(config: ConsumerConfig, host: Host): Consumer {
  const engine = openEngine(config.socket)
  const target = targetOf()
  const steadyFor = durationOf(config.steadyFor)

  return {
    // The daemon goes on with what it was asked for, whoever asked.
    traits: { attest: 'process', reload: 'restart', takes: durationOf(config.takes) * target.count },
    identity: () => resourceKey('consumer', 'docker', realPath(config.socket), ...target.identity),
    title: () => `docker ${target.title}`,
    preflight: async (call) => {
      const fit = await target.preflight(call)
      const seen = fit.is === 'done' ? await target.look(call) : fit
      if (fit.is !== 'done') return fit
      if (seen.is !== 'done') return seen
      const blind = seen.value.find(({ container }) => container !== undefined && container.State.Health == null)
      return done({ notices: blind === undefined ? fit.value.notices : [...fit.value.notices, `${blind.name} has no health check: when it has run for ${config.steadyFor} it is taken for ready`] })
    },
    instances: async (call) => {
      const seen = await target.look(call)
      return seen.is === 'done' ? done({ all: seen.value.map((replica) => instanceOf(replica, steadyFor, host.now())), complete: true }) : seen
    },
    reload: async (call, pace = 'rolling', without = []) => {
      if (call.signal.aborted) return refused('DEADLINE', target.title)
      const began = Date.now()
      const reloaded = await target.reload(call, pace, without)
      return reloaded.is === 'done' ? done({ evidence: { reloaded: reloaded.value, took: Date.now() - began } }) : reloaded
    },
    attest: async (instance, next, old, call) => {
      const seen = await target.look(call)
      const container = seen.is === 'done' ? seen.value.find((one) => one.container !== undefined && markOf(one.container) === instance.id)?.container : undefined
      // Another process under the same name is another instance: it has to be listed first.
      if (container === undefined || !isRunning(container)) return done({ holds: 'unseen', by: 'inferred', evidence: { running: false } })
      return attestInside(engine, container, next, old, call)
    },
  }

  function targetOf(): Target {
    const { compose, container } = config
    if (compose !== undefined) return serviceTarget(config, compose, engine, host)
    if (container !== undefined) return singleTarget(config, container, engine, host)
    throw new TypeError('the schema lets neither through')
  }

  function isRunning(container: Parameters<typeof isReady>[0]): boolean {
    return container.State.Running && !container.State.Restarting
  }
}

/** `/var/run` is `/run` on most machines. */
function realPath(socket: string): string {
  try {
    return realpathSync(socket)
  } catch {
    return socket
  }
}
