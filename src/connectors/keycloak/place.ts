import { placeLabel } from '../../kit/answer.ts'

/** Host and port, for messages and names. */
export function placeOf(base: string): string {
  if (!URL.canParse(base)) return 'no address'
  const { hostname, port, protocol } = new URL(base)
  return placeLabel(hostname.replaceAll(/[[\]]/g, ''), port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port))
}

/** The address of a realm for everybody. */
export function realmUrl(base: string, realm: string): string {
  return `${base.replace(/\/+$/, '')}/realms/${encodeURIComponent(realm)}`
}

/** An address of the Admin REST API in a realm; each part is encoded here. */
export function adminUrl(base: string, realm: string, path: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(query).toString()
  return `${base.replace(/\/+$/, '')}/admin/realms/${[realm, ...path].map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`
}
