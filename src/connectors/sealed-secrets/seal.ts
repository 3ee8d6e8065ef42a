import { constants, createCipheriv, type KeyObject, publicEncrypt, randomBytes, X509Certificate } from 'node:crypto'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Ms } from '../../kit/call.ts'
import type { Secret } from '../../kit/secret.ts'

/** What a controller's certificate is good for. */
export interface Sealer {
  /** When the certificate ends, unix ms. Afterwards kubeseal takes it for no certificate, and so do we. */
  readonly until: Ms
  /** The sealed form of a value, as it stands in a file: every time another one. */
  seal(value: Secret, scope: string): string
}

/** The first certificate of a PEM text. Refused with REFERENCE_UNRESOLVED when it is none, or not one of RSA. */
export function sealerOf(pem: string, about: string): Answer<Sealer> {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(pem)
  } catch {
    return refused('REFERENCE_UNRESOLVED', `${about} is no certificate in PEM`)
  }
  const key = certificate.publicKey
  if (key.asymmetricKeyType !== 'rsa') return refused('REFERENCE_UNRESOLVED', `${about} is no RSA certificate`)
  return done({ until: certificate.validToDate.getTime(), seal: (value, scope) => seal(key, value, scope) })
}

/**
 * The length of the RSA part in two bytes, the RSA part, the AES part: a session key of 32 bytes by RSA-OAEP with SHA-256 and the scope as
 * its label, the value by AES-256-GCM under it with a nonce of zeros (the key is used once), its tag at the end.
 * HybridEncrypt in https://github.com/bitnami-labs/sealed-secrets/blob/v0.30.0/pkg/crypto/crypto.go
 */
function seal(key: KeyObject, value: Secret, scope: string): string {
  const session = randomBytes(32)
  const wrapped = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: Buffer.from(scope) }, session)
  const cipher = createCipheriv('aes-256-gcm', session, Buffer.alloc(12))
  const length = Buffer.alloc(2)
  length.writeUInt16BE(wrapped.length)
  // The last line before it is sealed.
  return Buffer.concat([length, wrapped, cipher.update(value.reveal(), 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64')
}
