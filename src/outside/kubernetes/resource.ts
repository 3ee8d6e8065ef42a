import { placeLabel } from '../../kit/answer.ts'

/** What a request is about: `{ api: 'apps/v1', kind: 'deployments', namespace: 'the0', name: 'the0-api' }`. */
export interface Resource {
  /** The group and version, `v1` for the core. */
  readonly api: string
  /** The plural, in small letters: `secrets`. */
  readonly kind: string
  /** Absent for what belongs to no namespace, and to list all of them. */
  readonly namespace?: string
  /** Absent to list and to create. */
  readonly name?: string
  /** A subresource: `status`, `exec`. */
  readonly part?: string
}

/** Its path on the API server (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris). */
export function pathOf({ api, kind, namespace, name, part }: Resource): string {
  const parts = [...(namespace === undefined ? [] : ['namespaces', namespace]), kind, ...(name === undefined ? [] : [name]), ...(part === undefined ? [] : [part])]
  return `${api.includes('/') ? `/apis/${api}` : `/api/${api}`}/${parts.map(encodeURIComponent).join('/')}`
}

/** For messages: `deployments/the0-api in the0`. */
export function resourceName({ kind, namespace, name, part }: Resource): string {
  return `${kind}${name === undefined ? '' : `/${name}`}${part === undefined ? '' : `/${part}`}${namespace === undefined ? '' : ` in ${namespace}`}`
}

/** Host and port of a server, and the path of one that stands behind another; for messages and names. */
export function serverName(server: string): string {
  if (!URL.canParse(server)) return 'no address'
  const { hostname, port, protocol, pathname } = new URL(server)
  const place = placeLabel(hostname.replaceAll(/[[\]]/g, ''), port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port))
  return `${place}${pathname.replace(/\/+$/, '')}`
}
