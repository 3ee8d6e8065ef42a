import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Handled } from './provider-json.ts'

const [NONCE, TAG] = [12, 16]

/** Requests to the transit engine: keys of the kind `aes256-gcm96`, in their first version. */
export function handleTransit(keys: Map<string, Uint8Array>, path: string, body: Readonly<Record<string, unknown>>): Handled | undefined {
  const [, what, name = ''] = /^transit\/(keys|encrypt|decrypt)\/([^/]+)$/.exec(path) ?? []
  if (what === undefined) return undefined
  if (what === 'keys') {
    keys.set(name, randomBytes(32))
    return { status: 200, data: { name } }
  }
  const key = keys.get(name)
  if (key === undefined) return { status: 400, errors: ['encryption key not found'] }
  const bytes = (field: string): Buffer => Buffer.from(String(body[field] ?? ''), 'base64')
  if (what === 'encrypt') {
    const nonce = randomBytes(NONCE)
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(bytes('associated_data'))
    const made = Buffer.concat([nonce, cipher.update(bytes('plaintext')), cipher.final(), cipher.getAuthTag()])
    return { status: 200, data: { ciphertext: `vault:v1:${made.toString('base64')}`, key_version: 1 } }
  }
  const [, version, text = ''] = /^vault:v(\d+):(.*)$/.exec(String(body['ciphertext'])) ?? []
  const made = Buffer.from(text, 'base64')
  if (version !== '1') return { status: 400, errors: ['invalid ciphertext: version is too new'] }
  if (made.length < NONCE + TAG) return { status: 400, errors: ['invalid ciphertext length'] }
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, made.subarray(0, NONCE)).setAAD(bytes('associated_data')).setAuthTag(made.subarray(-TAG))
    const plain = Buffer.concat([decipher.update(made.subarray(NONCE, -TAG)), decipher.final()])
    return { status: 200, data: { plaintext: plain.toString('base64') } }
  } catch {
    return { status: 400, errors: ['cipher: message authentication failed'] }
  }
}
