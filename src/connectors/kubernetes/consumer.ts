import { done, refused } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import type { Consumer } from '../../kit/consumer.ts'
import { durationOf } from '../../kit/duration.ts'
import { clusterName, withCluster } from '../../outside/kubernetes/index.ts'
import { attestInstance } from './attestor.ts'
import type { ConsumerConfig } from './manifest.ts'
import { instancesOf } from './pods.ts'
import { preflight } from './preflight.ts'
import { rollOut } from './rollout.ts'
import { lookAtPods, titleOf } from './target.ts'
import { standingOf } from './workload.ts'

/** A Deployment, StatefulSet or DaemonSet whose pods are replaced by its own strategy. */
export function openConsumer(config: ConsumerConfig, host: Host): Consumer {
  const { kind, namespace, name } = config
  const title = titleOf(config)
  return {
    // The controllers go on with what they were asked for, whoever asked.
    traits: { attest: 'process', reload: 'restart', takes: durationOf(config.takes) },
    identity: () => resourceKey('consumer', 'kubernetes', clusterName(config, host.base), namespace, kind, name),
    title: () => `kubernetes ${title}`,
    preflight: (call) => withCluster(config, host, call, (cluster) => preflight(cluster, config, call)),
    instances: (call) => withCluster(config, host, call, async (cluster) => {
      const seen = await lookAtPods(cluster, config, call)
      if (seen.is !== 'done') return seen
      const { wanted } = standingOf(kind, seen.value.workload)
      return done({ all: instancesOf(config, seen.value.pods, wanted).map(({ instance }) => instance), complete: true })
    }),
    reload: async (call, pace = 'rolling', without = []) => {
      if (call.signal.aborted) return refused('DEADLINE', title)
      const began = Date.now()
      const reloaded = await withCluster(config, host, call, (cluster) => rollOut(cluster, config, call, pace, without))
      return reloaded.is === 'done' ? done({ evidence: { ...reloaded.value, took: Date.now() - began } }) : reloaded
    },
    attest: (instance, next, old, call) => attestInstance(config, host, instance, next, old, call),
  }
}
