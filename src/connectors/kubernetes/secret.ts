import { z } from 'zod'
import { type Answer, done, label, refused } from '../../kit/answer.ts'
import { Secret } from '../../kit/secret.ts'
import type { Entries } from '../../kit/store.ts'
import type { Resource } from '../../outside/kubernetes/index.ts'

const names = z.record(z.string(), z.string()).nullish().transform((each) => each ?? {})

export const ownersSchema = z
  .array(z.looseObject({ kind: z.string(), name: z.string(), uid: z.string(), controller: z.boolean().nullish() }))
  .nullish()
  .transform((each) => each ?? [])

/** The part of a Secret that is used (https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/). */
export const secretSchema = z.looseObject({
  metadata: z.looseObject({
    uid: z.string(), resourceVersion: z.string(), labels: names, annotations: names, ownerReferences: ownersSchema,
    managedFields: z.array(z.looseObject({ time: z.string().nullish(), fieldsV1: z.looseObject({}).nullish() })).nullish().transform((each) => each ?? []),
  }),
  type: z.string().default('Opaque'),
  immutable: z.boolean().nullish(),
  /** In base64. */
  data: names,
})

/** Holds values. */
export type SecretObject = z.infer<typeof secretSchema>

/** What a revision is made of. */
export const revisedSchema = z.looseObject({ metadata: z.looseObject({ uid: z.string(), resourceVersion: z.string() }) })

export function secretResource(namespace: string, name: string): Resource {
  return { api: 'v1', kind: 'secrets', namespace, name }
}

/** What stands for a Secret that is not there. */
export const ABSENT = 'absent'

/** Changes with every change of it, and is never that of another one of the same name. */
export function revisionOf(secret: z.infer<typeof revisedSchema> | undefined): string {
  return secret === undefined ? ABSENT : `${secret.metadata.resourceVersion}@${secret.metadata.uid}`
}

/** What is put into `data`. */
export function encode(value: Secret): string {
  return Buffer.from(value.reveal(), 'utf8').toString('base64')
}

/** The text at a key; undefined when it is none. */
export function decode(data: string): Secret | undefined {
  const bytes = Buffer.from(data, 'base64')
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? new Secret(text) : undefined
}

/** Those of these keys that are there; one that holds no text is refused. */
export function entriesOf(secret: SecretObject | undefined, keys: readonly string[], title: string): Answer<Entries> {
  const entries: Record<string, Secret> = {}
  for (const key of keys) {
    const data = secret !== undefined && Object.hasOwn(secret.data, key) ? secret.data[key] : undefined
    if (data === undefined) continue
    const value = decode(data)
    if (value === undefined) return refused('STORE_UNFIT', `${key} in ${title} is no text`)
    entries[key] = value
  }
  return done(entries)
}

/** Whether our keys may be changed in it; `refused` says what to do instead. */
export function fits({ immutable, type, metadata }: SecretObject, title: string): Answer<void> {
  if (immutable === true) return refused('PRECONDITION_FAILED', `${title} is immutable: make a Secret of another name without \`immutable\`, have the workload refer to it, and name it here`)
  if (type === 'kubernetes.io/service-account-token') return refused('PRECONDITION_FAILED', `${title} holds a token that Kubernetes itself makes`)
  const maker = metadata.ownerReferences.find(({ controller }) => controller === true)
  if (maker !== undefined) return refused('PRECONDITION_FAILED', `${title} is made by ${label(maker.kind)} ${label(maker.name)}, which would put its own value back: keep the value where that takes it from`)
  return done(undefined)
}

const WRITERS: readonly (readonly [who: string, labels: RegExp, annotations: RegExp])[] = [
  ['Helm', /^helm\.sh\/chart$/, /^meta\.helm\.sh\//],
  ['Argo CD', /^argocd\.argoproj\.io\//, /^argocd\.argoproj\.io\//],
  ['Flux', /^(?:kustomize|helm)\.toolkit\.fluxcd\.io\//, /^(?:kustomize|helm)\.toolkit\.fluxcd\.io\//],
  ['External Secrets', /^reconcile\.external-secrets\.io\//, /^reconcile\.external-secrets\.io\//],
  ['whoever runs `kubectl apply` with its file', /^$/, /^kubectl\.kubernetes\.io\/last-applied-configuration$/],
]

/** Who else writes it, by the marks that they leave on what they write. */
export function writersOf({ metadata: { labels, annotations } }: SecretObject): readonly string[] {
  return WRITERS.filter(([, inLabels, inAnnotations]) => Object.keys(labels).some((key) => inLabels.test(key)) || Object.keys(annotations).some((key) => inAnnotations.test(key))).map(([who]) => who)
}
