import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { checkRights, type Cluster, missingRights, type Right } from '../../outside/kubernetes/index.ts'
import type { ConsumerConfig } from './manifest.ts'
import { lastingContainers } from './pod-spec.ts'
import { type Reference, referencesOf } from './references.ts'
import { secretResource, secretSchema } from './secret.ts'
import { lookAtWorkload, secretsOf, titleOf } from './target.ts'
import { canRollOut, isComplete, standingOf, type Workload, workloadResource } from './workload.ts'

/** Whether a rollout could work, and would bring the values to the pods. Changes nothing. */
export async function preflight(cluster: Cluster, config: ConsumerConfig, call: Call): Promise<Answer<{ readonly notices: readonly string[] }>> {
  const { namespace } = config
  const title = titleOf(config)
  const workload = await lookAtWorkload(cluster, config, call)
  if (workload.is !== 'done') return workload
  const fit = canRollOut(config.kind, workload.value, title)
  if (fit.is !== 'done') return fit
  const allowed = await checkRights(cluster, rightsOf(config), call)
  if (allowed.is !== 'done') return allowed
  const taken = referencesOf(workload.value.spec.template.spec)
  const missing = secretsOf(config).find((secret) => !taken.some((each) => each.secret === secret))
  if (missing !== undefined) return refused('PRECONDITION_FAILED', `${title} takes nothing from the Secret ${missing}: ${taken.length === 0 ? 'it takes from none' : `it takes from ${described(taken)}`}`)
  const needed = await missingKeys(cluster, config, taken, call)
  if (needed.is !== 'done') return needed
  const inside = await missingRights(cluster, (['get', 'create'] as const).map((verb) => ({ verb, resource: { api: 'v1', kind: 'pods', namespace, part: 'exec' } })), call)
  if (inside.is !== 'done') return inside
  const blind = inside.value.length === 0 ? [] : [`what its pods hold can only be inferred: no right to ${inside.value.join(', to ')}`]
  const ours = taken.filter(({ secret }) => secretsOf(config).includes(secret))
  return done({ notices: [...noticesOf(config, workload.value, ours), ...blind].map((notice) => `${title}: ${notice}`) })
}

function rightsOf(config: ConsumerConfig): readonly Right[] {
  const { namespace, kind } = config
  const resource = workloadResource(config)
  return [
    { verb: 'get', resource }, { verb: 'patch', resource },
    ...(kind === 'Deployment' ? [{ verb: 'list' as const, resource: { api: 'apps/v1', kind: 'replicasets', namespace } }] : []),
    { verb: 'list', resource: { api: 'v1', kind: 'pods', namespace } },
  ]
}

function described(taken: readonly Reference[]): string {
  const each = taken.map(({ secret, key, as }) => `${secret} (${key === undefined ? as : `${as} of ${key}`})`)
  return [...new Set(each)].join(', ')
}

/** A pod whose Secret lacks a key that it needs does not start. Where the Secret may not be read, nobody can tell. */
async function missingKeys(cluster: Cluster, { namespace, ...config }: ConsumerConfig, taken: readonly Reference[], call: Call): Promise<Answer<void>> {
  for (const name of secretsOf(config)) {
    const seen = await cluster.get(secretResource(namespace, name), secretSchema, call)
    if (seen.is !== 'done' || seen.value === undefined) continue
    const { data } = seen.value
    const missing = taken.find(({ secret, key, optional }) => secret === name && key !== undefined && !optional && !Object.hasOwn(data, key))
    if (missing?.key !== undefined) return refused('PRECONDITION_FAILED', `${namespace}/${name} has no key ${missing.key}, without which new pods do not start`)
  }
  return done(undefined)
}

function noticesOf({ kind, name }: ConsumerConfig, workload: Workload, ours: readonly Reference[]): string[] {
  const { spec } = workload
  const standing = standingOf(kind, workload)
  const { wanted } = standing
  const strategy = kind === 'Deployment' ? spec.strategy : spec.updateStrategy
  const unavailable = strategy?.rollingUpdate?.maxUnavailable
  const notices: string[] = []
  if (wanted === 0) notices.push('has no instances now')
  else if (!isComplete(standing)) notices.push('not all of its instances are of its template as it is now and available')
  if (strategy?.type === 'Recreate') notices.push('its strategy is Recreate: all instances are away at the same time')
  else if (unavailable === '100%' || (typeof unavailable === 'number' && unavailable >= wanted && wanted > 0)) notices.push('its strategy lets all instances be away at the same time (`maxUnavailable`)')
  else if (wanted === 1 && kind !== 'Deployment') notices.push('has one instance, which is away while it is replaced')
  if (lastingContainers(spec.template.spec).every(({ readinessProbe }) => readinessProbe == null)) notices.push('has no readiness probe: an instance that runs is taken for ready')
  for (const { secret, key, optional } of ours) if (optional && key !== undefined) notices.push(`${key} of ${secret} is optional: a pod starts without it when it is not there`)
  if (ours.some(({ as, fixed }) => as === 'file' && fixed !== true)) notices.push('takes values from files, which change in running pods within a minute or so; the rollout makes sure that they are read')
  if (ours.some(({ fixed }) => fixed === true)) notices.push('takes values from files with `subPath`, which never change in a running pod')
  if (ours.every(({ as }) => as === 'image pull')) notices.push(`pulls images with it and nothing else: the pods of ${name} hold no value of it`)
  return notices
}
