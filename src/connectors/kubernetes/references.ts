import { type Container, lastingContainers, type PodSpec } from './pod-spec.ts'

/** One way in which a pod takes something from a Secret. */
export interface Reference {
  readonly secret: string
  /** The key that is taken; all of them when absent. */
  readonly key?: string
  readonly as: 'variable' | 'variables' | 'file' | 'image pull'
  /** The pod starts without it. */
  readonly optional: boolean
  /** A file that is mounted by itself and never changes while the pod lives. */
  readonly fixed?: true
}

/** Everything that a pod takes from Secrets. Pure. */
export function referencesOf(spec: PodSpec): readonly Reference[] {
  const containers = [...spec.initContainers, ...spec.containers]
  const fixed = new Set(containers.flatMap(({ volumeMounts }) => volumeMounts).filter(({ subPath, subPathExpr }) => subPath + subPathExpr !== '').map(({ name }) => name))
  return [
    ...containers.flatMap(({ env }) => env).flatMap(({ valueFrom }): Reference[] => {
      const from = valueFrom?.secretKeyRef
      return from == null ? [] : [{ secret: from.name, key: from.key, as: 'variable', optional: from.optional }]
    }),
    ...containers.flatMap(({ envFrom }) => envFrom).flatMap(({ secretRef }): Reference[] =>
      secretRef == null ? [] : [{ secret: secretRef.name, as: 'variables', optional: secretRef.optional }]),
    ...spec.volumes.flatMap(({ name, secret, projected }) => {
      const sources = [
        ...(secret == null ? [] : [{ name: secret.secretName, optional: secret.optional, items: secret.items }]),
        ...(projected?.sources ?? []).flatMap((source) => source.secret ?? []),
      ]
      return sources.flatMap((source): Reference[] => {
        const file = { secret: source.name, as: 'file' as const, optional: source.optional, ...(fixed.has(name) ? { fixed: true as const } : {}) }
        return source.items.length === 0 ? [file] : source.items.map(({ key }) => ({ ...file, key }))
      })
    }),
    ...spec.imagePullSecrets.map(({ name }): Reference => ({ secret: name, as: 'image pull', optional: true })),
  ]
}

/** The variables of one container that hold keys of these Secrets. */
export interface Held {
  readonly container: string
  /** Names of variables by the key whose value they hold. */
  readonly variables: ReadonlyMap<string, readonly string[]>
}

/** Which variables of which lasting containers hold which of these keys, after one source has covered the other. Pure. */
export function variablesOf(spec: PodSpec, secrets: readonly string[], keys: readonly string[]): readonly Held[] {
  return lastingContainers(spec).map((container) => ({ container: container.name, variables: held(container, secrets, keys) })).filter(({ variables }) => variables.size > 0)
}

function held({ env, envFrom }: Container, secrets: readonly string[], keys: readonly string[]): Held['variables'] {
  const sources = new Map<string, string | undefined>()
  for (const { prefix, secretRef } of envFrom) {
    // Of a Secret that is not ours, or a ConfigMap, it is not known which variables it covers: those of the last one count.
    for (const key of keys) if (secretRef != null && secrets.includes(secretRef.name)) sources.set(prefix + key, key)
  }
  // `env` covers what `envFrom` brings.
  for (const { name, valueFrom } of env) {
    const from = valueFrom?.secretKeyRef
    sources.set(name, from != null && secrets.includes(from.name) && keys.includes(from.key) ? from.key : undefined)
  }
  const variables = new Map<string, string[]>()
  for (const [name, key] of sources) {
    // Others cannot be asked for by a shell.
    if (key !== undefined && /^[A-Za-z_]\w*$/.test(name)) variables.set(key, [...(variables.get(key) ?? []), name])
  }
  return variables
}
