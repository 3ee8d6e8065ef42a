import { placeLabel } from '../../kit/answer.ts'

/** Host and port of an address, for messages and names. */
export function placeAt(url: string): string {
  if (!URL.canParse(url)) return 'no address'
  const { hostname, port, protocol } = new URL(url)
  return placeLabel(hostname.replaceAll(/[[\]]/g, ''), port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port))
}

/** Without a slash at its end. */
export function trimmed(url: string): string {
  return url.replace(/\/+$/, '')
}
