import { type Answer, done, type Evidence } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { freshNonce } from '../../kit/challenge.ts'
import type { Attestation, Presented } from '../../kit/consumer.ts'
import { fingerprintOf, fingerprintsIn, lookAtEnvironment } from '../../outside/environ.ts'
import { type Cluster, execInPod } from '../../outside/kubernetes/index.ts'
import { readLive } from './live-secret.ts'
import type { WorkloadConfig } from './manifest.ts'
import { isLive, type Pod, startOf } from './pods.ts'
import { variablesOf } from './references.ts'

/** What an attestation is about. */
export interface Looked {
  readonly cluster: Cluster
  readonly config: Pick<WorkloadConfig, 'namespace' | 'container'>
  readonly secrets: readonly string[]
  readonly pod: Pod
}

/**
 * Which credential the processes of a pod were started with. It is looked at inside of each container that takes a differing key in its
 * environment, where only fingerprints come out; all of them have to agree. Where that cannot be (no right to `exec`, no shell, no
 * variable but a file), it is `inferred`: a pod that was started after the last change of the Secret holds what that holds now, of
 * one that was not nothing is known. `inside` in the evidence says why nobody could look.
 */
export async function attestPod({ cluster, config, secrets, pod }: Looked, next: Presented, old: Presented | undefined, call: Call): Promise<Answer<Attestation>> {
  const differing = Object.keys(next.entries).filter((key) => next.entries[key]?.equals(old?.entries[key]) === false)
  if (differing.length === 0) return saw('unseen', 'inferred', { compared: 0 })
  if (!isLive(pod)) return saw('unseen', 'inferred', { running: false })
  const looked: Looked = { cluster, config, secrets, pod }
  const seen = await lookInside(looked, differing, next, old, call)
  return typeof seen === 'string' ? infer(looked, seen, differing, next, old, call) : seen
}

/** A text says in a word why it cannot be. */
async function lookInside({ cluster, config: { namespace, container: only }, secrets, pod }: Looked, keys: readonly string[], next: Presented, old: Presented | undefined, call: Call): Promise<Answer<Attestation> | string> {
  const { spec, metadata } = pod
  // The first process that it would see there is another one's.
  if (spec.hostPID || spec.shareProcessNamespace) return 'processes-shared'
  const verdicts: { readonly isNew: boolean; readonly isOld: boolean }[] = []
  for (const { container, variables } of variablesOf(spec, secrets, keys)) {
    if (only !== undefined && only !== container) continue
    const nonce = freshNonce()
    const asked = [...variables].flatMap(([key, names]) => names.map((name) => ({ key, name })))
    const names = asked.map(({ name }) => name)
    const ran = await execInPod(cluster, { namespace, pod: metadata.name, container, command: lookAtEnvironment(nonce, names) }, call)
    const found = ran.is === 'done' && ran.value.exit === 0 ? fingerprintsIn(ran.value.stdout, names) : undefined
    if (found === undefined) return ran.is === 'done' ? `exit-${ran.value.exit}` : ran.is === 'ask' ? ran.is : ran.code
    for (const { key, name } of asked) {
      const print = found.get(name)
      const is = (which: Presented | undefined): boolean => {
        const value = which?.entries[key]
        return value !== undefined && print === fingerprintOf(nonce, value)
      }
      if (print !== undefined) verdicts.push({ isNew: is(next), isOld: is(old) })
    }
  }
  if (verdicts.length === 0) return 'no-variable'
  const holds = verdicts.every(({ isNew }) => isNew) ? 'new' : verdicts.every(({ isOld }) => isOld) ? 'old' : 'neither'
  return saw(holds, 'process', { compared: verdicts.length, from: 'exec' })
}

async function infer({ cluster, config, secrets, pod }: Looked, inside: string, keys: readonly string[], next: Presented, old: Presented | undefined, call: Call): Promise<Answer<Attestation>> {
  const started = startOf(pod)
  const live = await readLive(cluster, config.namespace, secrets, call)
  // Both times are in whole seconds: in the same second it is open which was first.
  if (live === undefined || started === undefined || started <= live.changedAt) return saw('unseen', 'inferred', { from: 'start', inside })
  const telling = keys.filter((key) => live.values.has(key))
  const holds = (which: Presented | undefined): boolean => which !== undefined && telling.every((key) => live.values.get(key)?.equals(which.entries[key]) === true)
  if (telling.length === 0) return saw('unseen', 'inferred', { compared: 0, inside })
  return saw(holds(next) ? 'new' : holds(old) ? 'old' : 'neither', 'inferred', { compared: telling.length, from: 'start', inside })
}

function saw(holds: Attestation['holds'], by: 'process' | 'inferred', evidence: Evidence): Answer<Attestation> {
  return done({ holds, by, evidence })
}
