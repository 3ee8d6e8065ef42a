import { z } from 'zod'

const text = z.string().nullish().transform((each) => each ?? '')
const optional = z.boolean().nullish().transform((each) => each === true)
const listOf = <T extends z.ZodType>(schema: T) => z.array(schema).nullish().transform((each) => each ?? [])

const containerSchema = z.looseObject({
  name: z.string(),
  restartPolicy: text,
  readinessProbe: z.looseObject({}).nullish(),
  env: listOf(z.looseObject({
    name: z.string(),
    valueFrom: z.looseObject({ secretKeyRef: z.looseObject({ name: text, key: z.string(), optional }).nullish() }).nullish(),
  })),
  envFrom: listOf(z.looseObject({ prefix: text, secretRef: z.looseObject({ name: text, optional }).nullish() })),
  volumeMounts: listOf(z.looseObject({ name: z.string(), mountPath: z.string(), subPath: text, subPathExpr: text })),
})

const items = listOf(z.looseObject({ key: z.string() }))

/** What of a pod says where its values come from (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/). */
export const podSpecSchema = z.looseObject({
  nodeName: text,
  hostPID: optional,
  shareProcessNamespace: optional,
  containers: listOf(containerSchema),
  initContainers: listOf(containerSchema),
  imagePullSecrets: listOf(z.looseObject({ name: text })),
  volumes: listOf(z.looseObject({
    name: z.string(),
    secret: z.looseObject({ secretName: text, optional, items }).nullish(),
    projected: z.looseObject({ sources: listOf(z.looseObject({ secret: z.looseObject({ name: text, optional, items }).nullish() })) }).nullish(),
  })),
})

export type PodSpec = z.infer<typeof podSpecSchema>
export type Container = z.infer<typeof containerSchema>

/** Containers that run as long as the pod does: sidecars among the init containers too. */
export function lastingContainers({ containers, initContainers }: PodSpec): readonly Container[] {
  return [...containers, ...initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')]
}
