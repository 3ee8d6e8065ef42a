import { z } from 'zod'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import type { Cluster, Resource } from '../../outside/kubernetes/index.ts'
import type { Named, SealedFile } from './sealed-file.ts'
import { wordsOf } from './words.ts'

const conditionsSchema = z.array(z.looseObject({ type: z.string(), status: z.string(), reason: z.string().default(''), message: z.string().default(''), observedGeneration: z.number().optional() })).nullish()

/** What every object with conditions has. https://kubernetes.io/docs/reference/using-api/ */
export const standingShape = {
  metadata: z.looseObject({ generation: z.number().default(0) }),
  status: z.looseObject({ observedGeneration: z.number().default(0), conditions: conditionsSchema }).nullish(),
}

const sealedSchema = z.looseObject({
  ...standingShape,
  spec: z.looseObject({ encryptedData: z.record(z.string(), z.string()).nullish() }),
})

const secretSchema = z.looseObject({ immutable: z.boolean().nullish(), data: z.record(z.string(), z.string()).nullish() })

export function sealedSecret({ namespace, name }: Named): Resource {
  return { api: 'bitnami.com/v1alpha1', kind: 'sealedsecrets', namespace, name }
}

export function liveSecret({ namespace, name }: Named): Resource {
  return { api: 'v1', kind: 'secrets', namespace, name }
}

/**
 * How far the cluster is with what a file says.
 * - `behind`: it has not come that far yet, and may by itself.
 * - `broken`: it has exactly this, and the controller cannot make a Secret of it; it will not change by itself.
 * - `synced`: the controller has made a Secret of exactly this.
 */
export type Standing = { readonly is: 'synced' } | { readonly is: 'behind' | 'broken'; readonly why: string }

/**
 * Compares what is sealed under these keys with what the cluster has, byte for byte: a value is sealed to other bytes every time, so
 * the same bytes are the same write. A wrong name or scope shows only in the condition `Synced`, with `observedGeneration` as it should be.
 */
export async function lookAtSealed(cluster: Cluster, named: Named, { sealed }: Pick<SealedFile, 'sealed'>, keys: readonly string[], call: Call): Promise<Answer<Standing>> {
  const title = `${named.namespace}/${named.name}`
  const found = await cluster.get(sealedSecret(named), sealedSchema, call)
  if (found.is !== 'done') return found
  if (found.value === undefined) return done({ is: 'behind', why: `the cluster has no SealedSecret ${title} yet` })
  const { metadata, spec, status } = found.value
  if (keys.some((key) => spec.encryptedData?.[key] !== sealed.get(key))) return done({ is: 'behind', why: `the cluster has another version of the SealedSecret ${title}` })
  const synced = status?.conditions?.find(({ type }) => type === 'Synced')
  if (synced === undefined || status?.observedGeneration !== metadata.generation) return done({ is: 'behind', why: `the controller has not looked at the SealedSecret ${title} yet` })
  if (synced.status === 'True') return done({ is: 'synced' })
  return done({ is: 'broken', why: `the controller makes no Secret of ${title}: ${wordsOf(synced.message)}` })
}

/** The live Secret as consumers read it; its values by key. Undefined when it is not there. Refused with STORE_UNFIT when one asked for is no text. */
export async function readLive(cluster: Cluster, named: Named, keys: readonly string[], call: Call): Promise<Answer<{ readonly values: ReadonlyMap<string, Secret>; readonly immutable: boolean } | undefined>> {
  const found = await cluster.get(liveSecret(named), secretSchema, call)
  if (found.is !== 'done') return found
  if (found.value === undefined) return done(undefined)
  const values = new Map<string, Secret>()
  for (const key of keys) {
    const encoded = found.value.data?.[key]
    if (encoded === undefined) continue
    const bytes = Buffer.from(encoded, 'base64')
    if (!Buffer.from(bytes.toString('utf8')).equals(bytes)) return refused('STORE_UNFIT', `${key} in the Secret ${named.namespace}/${named.name} is no text`)
    values.set(key, new Secret(bytes.toString('utf8')))
  }
  return done({ values, immutable: found.value.immutable === true })
}
