import { createHash, randomBytes } from 'node:crypto'
import type { Secret } from '../../kit/index.ts'

/** What the broker keeps instead of a password (rabbit_password_hashing_sha256): it logs nobody in. https://www.rabbitmq.com/docs/passwords */
export function passwordHash(password: Secret, salt: Buffer = randomBytes(4)): string {
  const digest = createHash('sha256').update(Buffer.concat([salt, Buffer.from(password.reveal())])).digest()
  return Buffer.concat([salt, digest]).toString('base64')
}
