import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { Secret } from '../../kit/index.ts'

/**
 * Whether a password goes through SASLprep (RFC 4013) unchanged whatever its version: printable ASCII only. Others would need
 * Unicode tables to get the same verifier as the server.
 */
export function isPlain(password: Secret): boolean {
  return /^[\x20-\x7e]+$/.test(password.reveal())
}

/**
 * The SCRAM-SHA-256 verifier as PostgreSQL keeps it in pg_authid.rolpassword (the form of RFC 5803, 4096 iterations, its
 * default): the password cannot be read from it, nor does it log anybody in.
 */
export function scramVerifier(password: Secret, salt: Buffer = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password.reveal(), salt, iterations, 32, 'sha256')
  const storedKey = createHash('sha256').update(createHmac('sha256', salted).update('Client Key').digest()).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
