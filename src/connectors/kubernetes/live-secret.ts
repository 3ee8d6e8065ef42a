import type { Call } from '../../kit/call.ts'
import type { Secret } from '../../kit/secret.ts'
import type { Cluster } from '../../outside/kubernetes/index.ts'
import { decode, revisedSchema, revisionOf, secretResource, secretSchema } from './secret.ts'

/** What Secrets hold now. */
export interface Live {
  readonly values: ReadonlyMap<string, Secret>
  /** Unix ms in whole seconds, of the last change of any of them; a change of a label counts as one too. */
  readonly changedAt: number
}

/** Undefined when one of them cannot be read; those that are not there hold nothing. */
export async function readLive(cluster: Cluster, namespace: string, secrets: readonly string[], call: Pick<Call, 'signal'>): Promise<Live | undefined> {
  const values = new Map<string, Secret>()
  const times: number[] = []
  for (const name of secrets) {
    const seen = await cluster.get(secretResource(namespace, name), secretSchema, call)
    if (seen.is !== 'done') return undefined
    if (seen.value === undefined) continue
    for (const [key, data] of Object.entries(seen.value.data)) {
      const value = decode(data)
      if (value !== undefined) values.set(key, value)
    }
    times.push(...seen.value.metadata.managedFields.map(({ time }) => Date.parse(time ?? '')).filter((time) => !Number.isNaN(time)))
  }
  // Without a time nothing can be said of what was before and after.
  return times.length === 0 ? undefined : { values, changedAt: Math.max(...times) }
}

/** What stands for the content of Secrets, without their values being asked for; undefined when that may not be seen, or one is not there. */
export async function revisionsOf(cluster: Cluster, namespace: string, secrets: readonly string[], call: Pick<Call, 'signal'>): Promise<string | undefined> {
  const revisions: string[] = []
  for (const name of secrets) {
    const seen = await cluster.get(secretResource(namespace, name), revisedSchema, call, 'metadata')
    if (seen.is !== 'done' || seen.value === undefined) return undefined
    revisions.push(revisionOf(seen.value))
  }
  return revisions.join(',')
}
