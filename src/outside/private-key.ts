import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto'

/**
 * A private key in any of the forms in which it is written: PEM (PKCS #8, PKCS #1, SEC 1), also with `\n` for its line ends as in variables,
 * PEM in base64, or a JSON Web Key. Undefined for what is none. Pure.
 */
export function readPrivateKey(written: string): KeyObject | undefined {
  const text = written.trim()
  try {
    if (text.startsWith('{')) return createPrivateKey({ key: JSON.parse(text) as JsonWebKey, format: 'jwk' })
    return createPrivateKey(text.startsWith('-----') ? text.replaceAll('\\n', '\n') : Buffer.from(text, 'base64').toString())
  } catch {
    return undefined
  }
}
