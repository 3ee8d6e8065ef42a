import { z } from 'zod'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Cluster, Resource } from '../../outside/kubernetes/index.ts'
import { standingShape } from './live.ts'
import type { FluxConfig } from './manifest.ts'
import { wordsOf } from './words.ts'

const sourceSchema = z.looseObject({
  ...standingShape,
  spec: z.looseObject({ suspend: z.boolean().nullish(), url: z.string().default(''), ref: z.looseObject({ branch: z.string().optional() }).nullish() }),
  status: standingShape.status.unwrap().unwrap().extend({ artifact: z.looseObject({ revision: z.string() }).nullish() }).nullish(),
})

const kustomizationSchema = z.looseObject({
  ...standingShape,
  spec: z.looseObject({
    suspend: z.boolean().nullish(), path: z.string().default('./'),
    sourceRef: z.looseObject({ kind: z.string(), name: z.string(), namespace: z.string().optional() }),
  }),
  status: standingShape.status.unwrap().unwrap().extend({ lastAppliedRevision: z.string().optional(), lastAttemptedRevision: z.string().optional() }).nullish(),
})

type Source = z.infer<typeof sourceSchema>
type Kustomization = z.infer<typeof kustomizationSchema>

/** Both objects, as they are now. */
export interface Flux {
  readonly source: Source
  readonly sourceResource: Resource
  readonly kustomization: Kustomization
}

/** Reasons with which Flux tries the same thing again and gets the same answer until somebody commits: what cannot be built or applied. */
const HOPELESS = new Set(['BuildFailed', 'ReconciliationFailed', 'PruneFailed'])

/** Reads them. Refused with MANIFEST_INVALID when they are not there, or the files come from something else than git. */
export async function readFlux(cluster: Cluster, { kustomization: name, namespace }: FluxConfig, call: Call): Promise<Answer<Flux>> {
  const kustomization = await cluster.get({ api: 'kustomize.toolkit.fluxcd.io/v1', kind: 'kustomizations', namespace, name }, kustomizationSchema, call)
  if (kustomization.is !== 'done') return kustomization
  if (kustomization.value === undefined) return refused('MANIFEST_INVALID', `there is no Kustomization ${namespace}/${name}`)
  const { sourceRef } = kustomization.value.spec
  if (sourceRef.kind !== 'GitRepository') return refused('MANIFEST_INVALID', `the Kustomization ${namespace}/${name} takes its files from no GitRepository`)
  const sourceResource = { api: 'source.toolkit.fluxcd.io/v1', kind: 'gitrepositories', namespace: sourceRef.namespace ?? namespace, name: sourceRef.name }
  const source = await cluster.get(sourceResource, sourceSchema, call)
  if (source.is !== 'done') return source
  if (source.value === undefined) return refused('MANIFEST_INVALID', `there is no GitRepository ${sourceResource.namespace}/${sourceRef.name}`)
  return done({ kustomization: kustomization.value, source: source.value, sourceResource })
}

/**
 * Whether Flux has applied a revision that has our write, by the revisions that it tells. `carries` says whether a commit does. Refused
 * when Flux will not by itself: it is suspended, or it tried and cannot, and its own words say why.
 * https://fluxcd.io/flux/components/kustomize/kustomizations/#kustomization-status
 */
export async function appliedBy({ source, kustomization }: Flux, title: string, carries: (commit: string) => Promise<boolean>): Promise<Answer<{ readonly applied: boolean; readonly why: string }>> {
  const carried = async (revision: string | undefined): Promise<boolean> => {
    const commit = commitOf(revision)
    return commit !== undefined && carries(commit)
  }
  const { lastAppliedRevision, lastAttemptedRevision } = kustomization.status ?? {}
  const failure = failureOf(kustomization)
  if (await carried(lastAppliedRevision)) return done({ applied: true, why: '' })
  if (failure !== undefined && HOPELESS.has(failure.reason) && (await carried(lastAttemptedRevision))) return refused('STORE_UNFIT', `Flux does not apply ${title}: ${failure.words}`, { reason: failure.reason })
  // The objects are there; what is looked at next says whether ours is well.
  if (failure?.reason === 'HealthCheckFailed' && (await carried(lastAttemptedRevision))) return done({ applied: true, why: failure.words })
  if (kustomization.spec.suspend === true) return refused('STORE_UNFIT', `the Kustomization of ${title} is suspended: \`flux resume kustomization\``)
  if (await carried(source.status?.artifact?.revision)) return done({ applied: false, why: failure === undefined ? 'Flux has fetched it and not applied it yet' : `Flux does not apply it yet: ${failure.words}` })
  if (source.spec.suspend === true) return refused('STORE_UNFIT', `the GitRepository of ${title} is suspended: \`flux resume source git\``)
  const fetching = failureOf(source)
  if (fetching !== undefined && isTrue(source, 'Stalled')) return refused('STORE_UNFIT', `Flux does not fetch ${title}: ${fetching.words}`, { reason: fetching.reason })
  return done({ applied: false, why: fetching === undefined ? 'Flux has not fetched it yet' : `Flux does not fetch it: ${fetching.words}` })
}

/** What a reviewer must know of how it stands before anything is written. Refused when nothing would be applied. */
export function readyToApply({ source, kustomization }: Flux, git: { readonly branch: string; readonly file: string }, title: string): Answer<readonly string[]> {
  if (kustomization.spec.suspend === true || source.spec.suspend === true) return refused('PRECONDITION_FAILED', `Flux is suspended for ${title}`)
  const failure = failureOf(source) ?? failureOf(kustomization)
  if (failure !== undefined) return refused('PRECONDITION_FAILED', `Flux is not ready for ${title}: ${failure.words}`, { reason: failure.reason })
  const branch = source.spec.ref?.branch
  const notices: string[] = []
  if (branch !== undefined && branch !== git.branch) notices.push(`Flux follows the branch ${branch}, and the file is written on ${git.branch}`)
  const folder = kustomization.spec.path.replace(/^\.?\//, '').replace(/\/+$/, '')
  if (folder !== '' && folder !== '.' && !git.file.startsWith(`${folder}/`)) notices.push(`${git.file} is not below ${folder}, which the Kustomization applies`)
  return done(notices)
}

/** Asks Flux to fetch now. A hint: without the right to it Flux comes at its interval. https://fluxcd.io/flux/components/source/gitrepositories/#triggering-a-reconcile */
export async function requestReconcile(cluster: Cluster, resource: Resource, now: number, call: Call): Promise<void> {
  const annotations = { 'reconcile.fluxcd.io/requestedAt': new Date(now).toISOString() }
  await cluster.mergePatch(resource, { metadata: { annotations } }, z.looseObject({}), call)
}

/** Of `main@sha1:<id>`; undefined for other forms. https://fluxcd.io/flux/components/source/gitrepositories/#artifact */
function commitOf(revision: string | undefined): string | undefined {
  return /(?:^|@)sha(?:1|256):([0-9a-f]{40,64})$/.exec(revision ?? '')?.[1]
}

/** Why it is not ready, where it says so of its present form; undefined while it works on it. */
function failureOf({ metadata, status }: Pick<Source, 'metadata' | 'status'>): { readonly reason: string; readonly words: string } | undefined {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status !== 'False' || (ready.observedGeneration ?? metadata.generation) !== metadata.generation) return undefined
  return { reason: ready.reason.replaceAll(/\W/g, '?').slice(0, 64), words: `${ready.reason}: ${wordsOf(ready.message)}` }
}

function isTrue({ status }: Pick<Source, 'status'>, which: string): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === which && is === 'True') === true
}
