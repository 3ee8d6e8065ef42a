import { createHmac } from 'node:crypto'
import type { Secret } from '../../kit/secret.ts'

const PREFIX = 'whsec_'

/**
 * The header `webhook-signature` of the Standard Webhooks specification: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in
 * base64. The key is what follows `whsec_`, decoded; a text without that prefix is the key as it is. `seconds` is Unix time.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signatureOf(key: Secret, id: string, seconds: number, body: string): string {
  const text = key.reveal()
  const bytes = text.startsWith(PREFIX) ? Buffer.from(text.slice(PREFIX.length), 'base64') : Buffer.from(text, 'utf8')
  return `v1,${createHmac('sha256', bytes).update(`${id}.${seconds}.${body}`, 'utf8').digest('base64')}`
}
