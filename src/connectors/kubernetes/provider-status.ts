/** What the server of the fake sends back. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A refusal as the API server words it. */
export interface Status {
  readonly code: number
  readonly reason: string
  readonly message: string
  /** The field that is wrong. */
  readonly field?: string
}

const GROUPS: Readonly<Record<string, string>> = { deployments: 'apps', statefulsets: 'apps', daemonsets: 'apps', replicasets: 'apps' }

export function forbidden(verb: string, kind: string, name: string | undefined): Status {
  const what = name === undefined ? kind : `${kind.split('/')[0] ?? kind} "${name}"`
  return { code: 403, reason: 'Forbidden', message: `${what} is forbidden: User "system:serviceaccount:atlas:keyturn" cannot ${verb} resource "${kind}" in API group "${GROUPS[kind] ?? ''}" in the namespace "atlas"` }
}

export function statusOf({ code, reason, message, field }: Status): Reply {
  const details = field === undefined ? {} : { details: { causes: [{ reason: 'FieldValueForbidden', message, field }] } }
  return { status: code, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, ...details, code }) }
}
