import type { AskedOf, Reply } from '../../../src/connectors/vault/fake.ts'

/** Hands requests on to a real Vault, word for word, so that faults can come between it and its client. */
export function forwardTo(url: string): (asked: AskedOf) => Promise<Reply> {
  return async ({ method, path, headers, body }) => {
    const kept = Object.entries(headers).filter(([name]) => name.startsWith('x-vault-') || name === 'content-type')
    const response = await fetch(`${url}${path}`, { method, headers: Object.fromEntries(kept), ...(body === '' ? {} : { body }), redirect: 'manual' })
    return { status: response.status, body: await response.text() }
  }
}
