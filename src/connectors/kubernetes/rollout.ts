import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, done, type Evidence, label, unknown } from '../../kit/answer.ts'
import type { Call, Ms } from '../../kit/call.ts'
import { freshNonce } from '../../kit/challenge.ts'
import type { Pace } from '../../kit/consumer.ts'
import { durationOf } from '../../kit/duration.ts'
import type { Cluster } from '../../outside/kubernetes/index.ts'
import { revisionsOf } from './live-secret.ts'
import type { ConsumerConfig } from './manifest.ts'
import { instancesOf, isDraining, isLive, isReady, troubleOf } from './pods.ts'
import { lookAtPods, type Seen, secretsOf, titleOf } from './target.ts'
import { canRollOut, isComplete, standingOf, type Workload, workloadResource, workloadSchema } from './workload.ts'

/**
 * On the template of the pods: the revision of the Secrets for which it was rolled out, and something fresh. kubectl's own
 * annotation has whole seconds, and a second rollout in the same one would be none.
 */
export const ANNOTATION = 'keyturn/rollout'

/** A rollout that goes on is looked at after so long, then after half as much again each time, up to the last. */
const POLL: { readonly first: Ms; readonly most: Ms } = { first: 25, most: 500 }

/**
 * Has the workload replace its pods, and waits until all are ready. `rolling` changes its template, so that it does it by its own
 * strategy; where the template was changed for the Secrets as they are now and that is still under way, it is only waited for.
 * `at-once` deletes its pods. Refused before anything is done, unknown after that.
 */
export async function rollOut(cluster: Cluster, config: ConsumerConfig, call: Call, pace: Pace, without: readonly string[]): Promise<Answer<Evidence>> {
  const before = await lookAtPods(cluster, config, call)
  if (before.is !== 'done') return before
  const fit = canRollOut(config.kind, before.value.workload, titleOf(config))
  if (fit.is !== 'done') return fit
  const { wanted } = standingOf(config.kind, before.value.workload)
  const spare = instancesOf(config, before.value.pods, wanted).filter(({ instance: { name, ready } }) => !ready && without.includes(name)).length
  const asked = pace === 'at-once' ? await deleteAll(cluster, config, before.value, call) : await changeTemplate(cluster, config, before.value.workload, call)
  if (asked.is !== 'done') return asked
  const { generation, gone } = asked.value
  const isSo = ({ workload, pods }: Seen): boolean => isComplete(standingOf(config.kind, workload, generation), spare) && !pods.some(({ metadata }) => gone.has(metadata.uid)) && (gone.size === 0 || pods.filter(isReady).length >= wanted - spare)
  const waited = await until(cluster, config, isSo, generation, call)
  return waited.is === 'done' ? done({ reloaded: wanted - spare, ...waited.value }) : waited
}

interface Asked {
  /** Of the workload, which its controller has to have seen. */
  readonly generation: number
  /** Pods that have to be gone. */
  readonly gone: ReadonlySet<string>
}

async function changeTemplate(cluster: Cluster, config: ConsumerConfig, workload: Workload, call: Call): Promise<Answer<Asked>> {
  const revision = await revisionsOf(cluster, config.namespace, secretsOf(config), call)
  const [was] = (workload.spec.template.metadata?.annotations?.[ANNOTATION] ?? '').split('/')
  const underWay = was === revision && !isComplete(standingOf(config.kind, workload))
  if (underWay) return done({ generation: workload.metadata.generation, gone: new Set() })
  const annotations = { [ANNOTATION]: `${revision ?? ''}/${freshNonce().slice(0, 16)}` }
  const patched = await cluster.mergePatch(workloadResource(config), { spec: { template: { metadata: { annotations } } } }, workloadSchema, call)
  return patched.is === 'done' ? done({ generation: patched.value.metadata.generation, gone: new Set() }) : patched
}

async function deleteAll(cluster: Cluster, { namespace }: ConsumerConfig, { workload, pods }: Seen, call: Call): Promise<Answer<Asked>> {
  const live = pods.filter(isLive)
  for (const [at, { metadata: { name, uid } }] of live.entries()) {
    const removed = await cluster.remove({ api: 'v1', kind: 'pods', namespace, name }, call, { preconditions: { uid } })
    // Another one of that name is a new one already.
    if (removed.is === 'done' || (removed.is === 'refused' && removed.code === 'CONFLICT')) continue
    return at === 0 || removed.is !== 'refused' ? removed : unknown(removed.code, removed.about, removed.evidence)
  }
  return done({ generation: workload.metadata.generation, gone: new Set(live.map(({ metadata }) => metadata.uid)) })
}

/** Looks until it is so and the old ones have drained; draining alone fails nothing. A look that fails meanwhile is tried again. */
async function until(cluster: Cluster, config: ConsumerConfig, isSo: (seen: Seen) => boolean, generation: number, call: Call): Promise<Answer<Evidence>> {
  const limit = AbortSignal.any([call.signal, AbortSignal.timeout(durationOf(config.readyWithin))])
  const title = titleOf(config)
  let about = title
  let draining: number | undefined
  for (let pause = POLL.first; !limit.aborted; pause = Math.min(pause * 1.5, POLL.most)) {
    const seen = await lookAtPods(cluster, config, { signal: limit })
    if (seen.is === 'done') {
      draining = isSo(seen.value) ? seen.value.pods.filter((pod) => isDraining(pod, Date.now())).length : undefined
      if (draining === 0) return done({ draining })
      const { stuck, observed } = standingOf(config.kind, seen.value.workload, generation)
      about = whyNot(seen.value, stuck, title)
      if (observed && stuck === 'ProgressDeadlineExceeded') return unknown('CONSUMER_UNREADY', about, { stuck })
    }
    await wait(pause, undefined, { signal: limit }).catch(() => undefined)
  }
  if (draining !== undefined) return done({ draining })
  return unknown(call.signal.aborted ? 'DEADLINE' : 'CONSUMER_UNREADY', about)
}

/** The youngest pod that is not ready, and why; else what the controller says. */
function whyNot({ pods }: Seen, stuck: string | undefined, title: string): string {
  const late = pods.filter((pod) => isLive(pod) && !isReady(pod)).toSorted((one, other) => (one.metadata.creationTimestamp < other.metadata.creationTimestamp ? 1 : -1))[0]
  if (late !== undefined) return `${title}: ${troubleOf(late)}`
  return stuck === undefined ? title : `${title}: ${label(stuck)}`
}
