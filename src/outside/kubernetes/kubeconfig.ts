import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { load } from 'js-yaml'
import { z } from 'zod'
import { type Answer, done, label, refused } from '../../kit/answer.ts'
import { reduceCause } from '../../kit/error.ts'
import { pluginSchema } from './plugin.ts'

const text = z.string().nullish().transform((each) => (each === null || each === '' ? undefined : each))

const clusterSchema = z.looseObject({
  server: z.string(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'tls-server-name': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'proxy-url': text,
})

const userSchema = z.looseObject({
  token: text,
  tokenFile: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  username: text,
  'auth-provider': z.looseObject({ name: text }).nullish(),
  exec: pluginSchema.nullish(),
})

const contextSchema = z.looseObject({ cluster: z.string(), user: text, namespace: text })

/** https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ */
const fileSchema = z.looseObject({
  'current-context': text,
  clusters: z.array(z.looseObject({ name: z.string(), cluster: clusterSchema })).nullish(),
  users: z.array(z.looseObject({ name: z.string(), user: userSchema.nullish() })).nullish(),
  contexts: z.array(z.looseObject({ name: z.string(), context: contextSchema })).nullish(),
})

export type ClusterPart = z.infer<typeof clusterSchema>
export type UserPart = z.infer<typeof userSchema>

/** What a context leads to. Holds values. Paths in a part start from its folder, that of its file. */
export interface Chosen {
  readonly context: string
  readonly namespace: string | undefined
  readonly cluster: ClusterPart & { readonly folder: string }
  readonly user: UserPart & { readonly folder: string }
}

/**
 * Reads the files as one, as kubectl does: of parts with one name the first counts. The context is the one that is named, else the
 * current one. `refused` REFERENCE_UNRESOLVED says which file cannot be read, or what is not in them; never quotes them.
 */
export function readKubeconfig(files: readonly string[], context: string | undefined): Answer<Chosen> {
  const parts: (z.infer<typeof fileSchema> & { readonly folder: string })[] = []
  for (const file of files) {
    const read = readOne(file)
    if (read.is !== 'done') return read
    parts.push({ ...read.value, folder: dirname(file) })
  }
  const where = files.join(', ')
  const name = context ?? parts.flatMap((part) => part['current-context'] ?? [])[0]
  if (name === undefined) return refused('REFERENCE_UNRESOLVED', `${where} has no current context: name one with \`context\``)
  const meant = parts.flatMap(({ contexts }) => contexts ?? []).find((one) => one.name === name)?.context
  if (meant === undefined) return refused('REFERENCE_UNRESOLVED', `the context ${name} is not in ${where}`)
  const cluster = parts.flatMap(({ clusters, folder }) => (clusters ?? []).map((one) => ({ ...one, folder }))).find((one) => one.name === meant.cluster)
  if (cluster === undefined) return refused('REFERENCE_UNRESOLVED', `the cluster of the context ${name} is not in ${where}`)
  const user = parts.flatMap(({ users, folder }) => (users ?? []).map((one) => ({ ...one, folder }))).find((one) => one.name === meant.user)
  if (user === undefined) return refused('REFERENCE_UNRESOLVED', `the user of the context ${name} is not in ${where}`)
  return done({
    context: name, namespace: meant.namespace,
    cluster: { ...cluster.cluster, folder: cluster.folder },
    user: { ...(user.user ?? userSchema.parse({})), folder: user.folder },
  })
}

function readOne(file: string): Answer<z.infer<typeof fileSchema>> {
  let value: unknown
  try {
    value = load(readFileSync(file, 'utf8'))
  } catch (thrown) {
    const { name, code = name } = reduceCause(thrown)
    return refused('REFERENCE_UNRESOLVED', `kubeconfig ${file}`, { cause: code })
  }
  const read = fileSchema.safeParse(value)
  if (read.success) return done(read.data)
  return refused('REFERENCE_UNRESOLVED', `${file} is no kubeconfig`, { at: label(read.error.issues[0]?.path.join('.') ?? '') })
}
