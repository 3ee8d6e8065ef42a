import { type Answer, done } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import type { Attestation, Attestor, Instance, Presented } from '../../kit/consumer.ts'
import { withCluster } from '../../outside/kubernetes/index.ts'
import { attestPod } from './attest.ts'
import type { WorkloadConfig } from './manifest.ts'
import { instancesOf } from './pods.ts'
import { lookAtPods, secretsOf } from './target.ts'
import { standingOf } from './workload.ts'

/** Looks into the pods of a workload for consumers of another kind, such as a command that rolls it out. */
export function openAttestor(config: WorkloadConfig, host: Host): Attestor {
  return {
    proof: 'process',
    async attest(instance, next, old, call) {
      const attested = await attestInstance(config, host, instance, next, old, call)
      // Nothing was changed: that it could not be seen is all there is to say.
      return attested.is === 'done' ? attested : done({ holds: 'unseen', by: 'inferred', evidence: { cause: attested.is === 'ask' ? 'ask' : attested.code } })
    },
  }
}

/** Of the instance with this id; where another kind of consumer gave it, of that with its name, or the name of its pod. */
export async function attestInstance(config: WorkloadConfig, host: Host, { id, name }: Instance, next: Presented, old: Presented | undefined, call: Call): Promise<Answer<Attestation>> {
  return withCluster(config, host, call, async (cluster) => {
    const seen = await lookAtPods(cluster, config, call)
    if (seen.is !== 'done') return seen
    const all = instancesOf(config, seen.value.pods, standingOf(config.kind, seen.value.workload).wanted)
    const known = all.find(({ instance }) => instance.id === id)
    // An id of ours that is not there any more is of a process that has ended: another one has to be listed first.
    const { pod } = known ?? (OURS.test(id) ? undefined : all.find((one) => one.instance.name === name || one.pod?.metadata.name === name)) ?? {}
    if (pod === undefined) return done({ holds: 'unseen', by: 'inferred', evidence: { running: false } })
    return attestPod({ cluster, config, secrets: secretsOf(config), pod }, next, old, call)
  })
}

/** As `markOf` has them, and those of instances that are not there. */
const OURS = /^[0-9a-f-]{36}\.\d+$|:gone$/
